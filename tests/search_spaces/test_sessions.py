"""Conversations that share prefixes: the generator does what its parameters say, and the loader trusts nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speciate.evaluators import ProblemError
from speciate.search_spaces.traces import SessionModel, generate_sessions, load_mooncake_jsonl
from speciate.simulators.serving import PrefixTrace

Row = dict[str, Any]


def shared(trace: PrefixTrace) -> float:
    return float(trace.known_tokens().sum() / trace.requests.prompt_tokens.sum())


def rows(n: int) -> list[Row]:
    """Pairs of turns: the second continues the first's two full blocks; all begin with block 0."""
    made: list[Row] = []
    for request in range(n):
        talk = request // 2
        ids = [0, 3 * talk + 1, 3 * talk + 2] if request % 2 == 0 else [0, 3 * talk + 1, 3 * talk + 3]
        made.append({"timestamp": 40 * request, "input_length": 1300, "output_length": 9, "hash_ids": ids})
    return made


def write(path: Path, lines: list[Row]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_same_seed_gives_the_same_conversations_and_another_seed_others() -> None:
    model = SessionModel(rate=8.0, requests=400)
    first, again, other = generate_sessions(model, 1), generate_sessions(model, 1), generate_sessions(model, 2)
    assert first.blocks == again.blocks
    assert np.array_equal(first.requests.arrival_s, again.requests.arrival_s)
    assert first.blocks != other.blocks


def test_the_rate_is_about_the_stated_one_from_the_first_request_on() -> None:
    arrival = generate_sessions(SessionModel(rate=8.0, requests=20_000), 3).requests.arrival_s
    assert len(arrival) / arrival[-1] == pytest.approx(8.0, rel=0.1)
    half = np.searchsorted(arrival, arrival[-1] / 2)
    assert half / len(arrival) == pytest.approx(0.5, abs=0.05)


def test_a_turn_holds_the_full_blocks_of_the_one_before_and_longer_talks_share_more() -> None:
    trace = generate_sessions(SessionModel(rate=8.0, requests=800), 4)
    last: dict[int, tuple[int, ...]] = {}
    for session, blocks in zip(trace.session.tolist(), trace.blocks, strict=True):
        before = last.get(session, ())
        assert blocks[: len(before)] == before
        last[session] = blocks
    assert len(last) < 800
    brief, long = (generate_sessions(SessionModel(rate=8.0, requests=800, turns=turns), 4) for turns in (1.0, 6.0))
    assert shared(brief) < shared(long)
    assert len(set(brief.session.tolist())) == 800


def test_skew_makes_one_application_hot_and_drift_changes_which() -> None:
    def hottest(skew: float, drift_s: float) -> float:
        model = SessionModel(rate=8.0, requests=4000, skew=skew, drift_s=drift_s)
        first = [blocks[0] for blocks in generate_sessions(model, 5).blocks]
        return float(np.unique(first, return_counts=True)[1].max() / len(first))

    assert hottest(0.0, 1e9) < 0.12
    assert hottest(2.0, 1e9) > 0.5
    assert hottest(2.0, 20.0) < hottest(2.0, 1e9) - 0.2


@pytest.mark.parametrize(
    "wrong", [{"rate": 0.0}, {"turns": 0.5}, {"drift_s": 0.0}, {"block_tokens": 0}, {"longest_prompt": 100}]
)
def test_a_model_that_makes_no_stream_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SessionModel(**{"rate": 5.0, "requests": 10, **wrong})  # type: ignore[arg-type]


def test_the_mooncake_loader_reads_its_format_and_finds_the_conversations(tmp_path: Path) -> None:
    log = load_mooncake_jsonl(write(tmp_path / "log.jsonl", rows(120)))
    assert log.requests.arrival_s[:3].tolist() == pytest.approx([0.0, 0.04, 0.08])
    assert log.requests.prompt_tokens[0] == 1300
    assert log.requests.output_tokens[0] == 9
    assert log.blocks[1] == (0, 1, 3)
    assert log.session[:6].tolist() == [0, 0, 2, 2, 4, 4]


def edited(change: Callable[[list[Row]], None]) -> list[Row]:
    made = rows(120)
    change(made)
    return made


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (rows(4), "at least 100 requests, got 4"),
        ([], "at least 100 requests, got 0"),
        (edited(lambda made: made[7].pop("hash_ids")), "line 8: expected an object with timestamp"),
        (edited(lambda made: made[7].update(input_length=0)), "line 8: input_length must be a whole number from 1"),
        (edited(lambda made: made[7].update(output_length=0)), "line 8: output_length must be"),
        (edited(lambda made: made[7].update(output_length=2.5)), "line 8: output_length must be"),
        (edited(lambda made: made[7].update(timestamp=True)), "line 8: timestamp must be"),
        (edited(lambda made: made[7].update(timestamp=1)), "line 8: expected arrivals in order"),
        (edited(lambda made: made[7].update(hash_ids=[0, 1])), "line 8: expected 3 hash_ids for an input_length of"),
        (edited(lambda made: made[7].update(hash_ids=[0, "1", 2])), "line 8: hash_ids must be a list of whole"),
        (edited(lambda made: made[7].update(hash_ids=[0, 2, 1])), "line 8: hash id 2 follows other ids"),
        (edited(lambda made: made[7].update(input_length=1 << 21)), "line 8: input_length must be"),
    ],
)
def test_the_mooncake_loader_says_what_is_wrong_and_where(tmp_path: Path, lines: list[Row], said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        load_mooncake_jsonl(write(tmp_path / "log.jsonl", lines))


def test_the_mooncake_loader_refuses_what_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="cannot be read"):
        load_mooncake_jsonl(tmp_path / "none.jsonl")
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\xff\xfe\x00\x01" * 50)
    with pytest.raises(ProblemError, match="not a text file"):
        load_mooncake_jsonl(file)
    file.write_text("timestamp,input_length\n")
    with pytest.raises(ProblemError, match="line 1: not a JSON object"):
        load_mooncake_jsonl(file)
    file.write_text("[" * 100_000)
    with pytest.raises(ProblemError, match="line 1: not a JSON object"):
        load_mooncake_jsonl(file)


def test_the_real_mooncake_traces_load(data_folder: Path) -> None:
    folder = data_folder / "mooncake-fast25"
    conversation = load_mooncake_jsonl(folder / "conversation_trace.jsonl")
    assert len(conversation.requests.arrival_s) == 12_031
    assert conversation.requests.prompt_tokens.mean() == pytest.approx(12_035, abs=1)
    assert len(np.unique(conversation.session)) < 0.7 * 12_031
    assert len(load_mooncake_jsonl(folder / "synthetic_trace.jsonl").requests.arrival_s) == 3_993
