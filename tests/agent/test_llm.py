"""The proposer ``llm`` against a real HTTP server that behaves well and badly."""

import asyncio
import json
import socket
from random import Random

import pytest
from speciate.agent import Budget, Elite, ModelError, ModelSettings, Proposal, usage_summary
from speciate.agent._grid import View
from speciate.agent._llm_operators import ON_REQUEST, WEIGHTS
from speciate.agent._variants import VARIANTS
from speciate.evaluators import Candidate, SpeciateError, Status
from support.lanes import EARLIEST
from support.llm_runs import KEY, LLMRun, failed, llm_run
from support.openai_server import OpenAIServer


def write(run: LLMRun, operator: str = "rewrite", tickets: int = 1) -> list[Proposal]:
    """Write so many new tickets, all at once, in one sitting."""

    async def sitting() -> list[Proposal]:
        async with run.proposer() as proposer:
            tasks = [run.task(operator, seed=number) for number in range(tickets)]
            return list(await asyncio.gather(*(proposer.write(task) for task in tasks)))

    return asyncio.run(sitting())


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("diff", "diff"),
        ("rewrite", "rewrite"),
        ("fenced", "rewrite"),
        ("unclosed", "rewrite"),
        ("no_usage", "rewrite"),
    ],
)
def test_a_good_reply_becomes_a_candidate(tmp_path, behaviour, outcome):
    with OpenAIServer([behaviour], seed=3) as server:
        run = llm_run(tmp_path, server.base_url)
        [proposal] = write(run, "diff" if behaviour == "diff" else "rewrite")
    assert proposal.candidate is not None
    assert proposal.candidate.source != EARLIEST
    assert proposal.candidate.source.count("\n") == EARLIEST.count("\n")
    assert proposal.candidate.parents[0] == Candidate.from_source(EARLIEST).id
    assert proposal.candidate.proposer == "llm"
    assert proposal.idea.startswith("Idea: move one constant")
    [row] = run.rows()
    assert (row["state"], row["outcome"], row["http_status"]) == ("replied", outcome, 200)
    assert row["prompt_tokens"] == (None if behaviour == "no_usage" else server.log[0].prompt_tokens)
    assert row["cost_usd"] is None


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("prose", "no_code"),
        ("stale_diff", "diff_failed"),
        ("truncated", "truncated"),
        ("no_choices", "no_choices"),
        ("no_content", "empty"),
    ],
)
def test_an_unusable_reply_is_asked_for_again_with_the_reason(tmp_path, behaviour, outcome):
    with OpenAIServer([behaviour, "rewrite"], seed=3) as server:
        run = llm_run(tmp_path, server.base_url)
        [proposal] = write(run)
        assert proposal.candidate is not None
        assert [row["outcome"] for row in run.rows()] == [outcome, "rewrite"]
        assert [row["turn"] for row in run.rows()] == [0, 0]
        last = server.bodies[1]["messages"]
    assert [message["role"] for message in last] == ["system", "user", "assistant", "user"]
    assert "could not be used" in last[-1]["content"]
    assert not run.slept


def test_an_edit_that_fits_nowhere_is_asked_for_again_with_the_nearest_lines(tmp_path):
    stale = "Idea.\n\n<<<<<<< SEARCH\nPOWER = 0.6\nSHARE = 1\nLEVEL = 2\n=======\nPOWER = 1\n>>>>>>> REPLACE\n"
    with OpenAIServer(["verbatim"], sources=[stale, stale.replace("SHARE = 1\nLEVEL = 2\n", "")]) as server:
        run = llm_run(tmp_path, server.base_url)
        [proposal] = write(run, "diff")
        told = server.bodies[1]["messages"][-1]["content"]
    assert proposal.candidate is not None
    assert proposal.candidate.source == EARLIEST.replace("POWER = 0.6", "POWER = 1")
    assert "1 of its 3 lines agree with line 3 of candidate.py, 'SHARE = 1' does not" in told
    assert "POWER = 0.6" in told.partition("BEGIN DATA")[2]


def test_repairs_bound_the_askings_of_a_ticket(tmp_path):
    with OpenAIServer(["prose"]) as server:
        run = llm_run(tmp_path, server.base_url, repairs=2)
        [proposal] = write(run)
        assert proposal == Proposal(None, note=proposal.note)
        assert proposal.note.startswith("no_code: ")
        assert server.requests == len(run.rows()) == 3


@pytest.mark.parametrize(
    ("behaviour", "outcome", "charged"),
    [
        ("http_429", "http_429", False),
        ("http_500", "http_500", False),
        ("http_503", "http_503", False),
        ("hang", "timeout", True),
        ("drop", "connection", True),
        ("bad_json", "bad_body", True),
    ],
)
def test_what_is_transient_is_tried_again(tmp_path, behaviour, outcome, charged):
    with OpenAIServer([behaviour, behaviour, "rewrite"], retry_after_s=7) as server:
        run = llm_run(tmp_path, server.base_url, timeout_s=0.5 if behaviour == "hang" else 5)
        [proposal] = write(run)
        assert proposal.candidate is not None
        rows = run.rows()
        assert [row["outcome"] for row in rows] == [outcome, outcome, "rewrite"]
        assert [row["attempt"] for row in rows] == [0, 1, 2]
        assert server.requests == 3
    summary = usage_summary(run.archive.database, run.run_id).total
    spent = sum(row["reserved_tokens"] for row in rows[:2]) if charged else 0
    assert summary.charged_tokens == spent + summary.total_tokens
    assert len(run.slept) == 2
    if behaviour in ("http_429", "http_503"):
        assert run.slept == [7, 7]
    else:
        assert 0.5 <= run.slept[0] <= 1.0 <= run.slept[1] <= 2.0


def test_a_server_that_asks_for_an_hour_is_not_waited_for_that_long(tmp_path):
    with OpenAIServer(["http_429", "rewrite"], retry_after_s=3600) as server:
        run = llm_run(tmp_path, server.base_url)
        write(run)
    assert run.slept == [60]


def test_retries_end_and_the_ticket_gives_nothing(tmp_path):
    with OpenAIServer(["http_500"]) as server:
        run = llm_run(tmp_path, server.base_url, retries=2)
        [proposal] = write(run)
        assert proposal.candidate is None
        assert proposal.note.startswith("no reply: http_500 after 3 requests")
        assert server.requests == len(run.rows()) == 3
        assert run.proposer().exhausted() is None


def test_a_model_that_never_answers_ends_the_run(tmp_path):
    with OpenAIServer(["http_500"]) as server:
        run = llm_run(tmp_path, server.base_url, retries=0)
        with pytest.raises(ModelError, match="no reply in 5 turns running"):
            write(run, tickets=8)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "check OPENAI_API_KEY"),
        (402, "no credit left"),
        (403, "check OPENAI_API_KEY"),
        (404, "check --model and --base-url"),
        (307, "check --model and --base-url"),
    ],
)
def test_a_wrong_key_or_name_is_one_clear_line_without_the_key(tmp_path, status, words):
    with OpenAIServer([f"http_{status}"]) as server:
        run = llm_run(tmp_path, server.base_url)
        with pytest.raises(ModelError) as error:
            write(run)
        assert words in str(error.value)
        assert server.base_url in str(error.value)
        assert "\n" not in str(error.value)
        assert server.requests == len(run.rows()) == 1
        assert run.rows()[0]["state"] == "failed"
    assert KEY not in str(error.value)


def test_a_run_goes_on_once_its_key_is_right(tmp_path):
    with OpenAIServer(["rewrite"], key=KEY) as server:
        run = llm_run(tmp_path, server.base_url)
        task = run.task()

        async def sitting(key: str) -> Proposal:
            async with run.proposer({"OPENAI_API_KEY": key}) as proposer:
                return await proposer.write(task)

        with pytest.raises(ModelError):
            asyncio.run(sitting("sk-wrong-key-value"))
        assert asyncio.run(sitting(KEY)).candidate is not None
        assert [row["outcome"] for row in run.rows()] == ["http_401", "rewrite"]


def test_the_key_is_in_no_file_and_no_message(tmp_path, caplog):
    script = ["http_429", "http_500", "prose", "rewrite", "http_401"]
    with OpenAIServer(script) as server, caplog.at_level("DEBUG"):
        run = llm_run(tmp_path, server.base_url)
        write(run)
        with pytest.raises(ModelError) as error:
            write(run)
    assert "[key]" in run.rows()[0]["error"]  # the server's text repeats the key it was given
    run.archive.close()
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()
    assert KEY not in repr(error.value) + caplog.text


def test_nobody_there_is_one_clear_line(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    run = llm_run(tmp_path, url, retries=1)
    with pytest.raises(ModelError, match="cannot be reached"):
        write(run)
    assert [row["outcome"] for row in run.rows()] == ["connect", "connect"]
    assert usage_summary(run.archive.database, run.run_id).total.charged_tokens == 0


def test_a_request_that_the_server_refuses_as_such_ends_a_run_that_never_worked(tmp_path):
    with OpenAIServer(["http_400"]) as server:
        run = llm_run(tmp_path, server.base_url)
        with pytest.raises(ModelError, match="refuses our requests"):
            write(run)
        assert server.requests == 1


def test_and_only_its_ticket_in_one_that_did(tmp_path):
    with OpenAIServer(["rewrite", "http_400"]) as server:
        run = llm_run(tmp_path, server.base_url)
        write(run)
        [proposal] = write(run)
        assert proposal.candidate is None
        assert "http_400" in proposal.note
        assert server.requests == 2


@pytest.mark.parametrize("script", [["diff"], ["prose", "diff"]])
def test_a_turn_entered_again_sends_nothing_and_comes_to_the_same(tmp_path, script):
    with OpenAIServer(script) as server:
        run = llm_run(tmp_path, server.base_url)
        task = run.task("diff")

        async def sitting() -> Proposal:
            async with run.proposer() as proposer:
                return await proposer.write(task)

        first = asyncio.run(sitting())
        assert first.candidate is not None
        assert asyncio.run(sitting()) == first
        assert server.requests == len(run.rows()) == len(script)


def test_a_repair_shows_the_fault_and_is_a_turn_of_its_own(tmp_path):
    with OpenAIServer(["rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url, repairs=2)
        task = run.task()
        broken = Candidate.from_source("def choose(job, yard):\n    return 1 / 0.0\n")
        fault = failed(broken, Status.CRASHED, "ZeroDivisionError: float division by zero, line 2")

        async def sitting() -> tuple[Proposal | None, ...]:
            async with run.proposer() as proposer:
                first = await proposer.repair(task, 1, broken, fault)
                second = await proposer.repair(task, 2, broken, fault)
                third = await proposer.repair(task, 3, broken, fault)
                cheat = await proposer.repair(task, 1, broken, failed(broken, Status.CHEATED, "guard"))
                return first, second, third, cheat

        first, second, third, cheat = asyncio.run(sitting())
        assert first is not None
        assert second is not None
        assert first.candidate is not None
        assert (third, cheat) == (None, None)
        assert [(row["turn"], row["attempt"]) for row in run.rows()] == [(1, 0), (2, 0)]
        shown = server.bodies[0]["messages"][1]["content"]
    assert "float division by zero" in shown
    assert "`crashed`" in shown
    assert "return 1 / 0.0" in shown


def test_asking_again_while_writing_uses_up_the_repairs(tmp_path):
    with OpenAIServer(["prose", "rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url, repairs=1)
        task = run.task()

        async def sitting() -> Proposal | None:
            async with run.proposer() as proposer:
                written = await proposer.write(task)
                assert written.candidate is not None
                fault = failed(written.candidate, Status.TIMEOUT, "too slow")
                return await proposer.repair(task, 1, written.candidate, fault)

        assert asyncio.run(sitting()) is None
        assert server.requests == 2


@pytest.mark.parametrize("served", [False, True])
def test_every_behaviour_at_once_and_the_books_are_right(request, tmp_path, served):
    place = request.getfixturevalue("server").database() if served else tmp_path
    with OpenAIServer(["mixed"], seed=11, hang_s=8) as server:
        run = llm_run(place, server.base_url, timeout_s=4.0, retries=3)
        proposals = write(run, tickets=40)
        rows = run.rows()
        # On a machine that stalls, a request can be given up before the server has read it; then it is a timeout.
        late = sum(row["outcome"] == "timeout" for row in rows)
        assert 0 <= len(rows) - server.requests <= late
        assert {entry.behaviour for entry in server.log} >= {"diff", "rewrite", "fenced", "hang", "bad_json"}
        billed = server.tokens
    total = usage_summary(run.archive.database, run.run_id).total
    assert (total.requests, total.replied + total.failed, total.in_doubt) == (len(rows), len(rows), 0)
    assert sum(total.outcomes.values()) == len(rows)
    assert total.usable == sum(proposal.candidate is not None for proposal in proposals)
    assert total.usable >= 30
    assert total.total_tokens <= billed <= total.charged_tokens
    assert total.usd_unknown > 0
    assert total.charged_usd is None


def test_draws_are_seeded_and_favour_the_best(tmp_path):
    view = View(50, tuple(Elite(ticket, ticket, float(ticket)) for ticket in range(20)))
    run = llm_run(tmp_path, None)
    models = tuple(ModelSettings(name=name, base_url="http://127.0.0.1:9/v1") for name in "ab")
    run.settings = run.settings.model_copy(update={"models": models})
    proposer = run.proposer()
    draws = [proposer.draw(view, Random(seed)) for seed in range(600)]
    assert draws == [proposer.draw(view, Random(seed)) for seed in range(600)]
    assert {draw.operator for draw in draws} == set(WEIGHTS) - ON_REQUEST
    assert {draw.variant for draw in draws} == {"", *VARIANTS}
    assert {draw.model for draw in draws} == {"a", "b"}
    parents = [draw.parents[0] for draw in draws]
    assert parents.count(0) > 2 * parents.count(5) > 0
    assert all(len(set(draw.parents)) == len(draw.parents) for draw in draws)
    shown = {(draw.operator, draw.variant, len(draw.parents)) for draw in draws}
    assert {each for each in shown if each[0] == "rewrite"} == {
        ("rewrite", name, 1 + variant.inspirations) for name, variant in VARIANTS.items()
    }
    assert {each[2] for each in shown if each[0] == "crossover"} == {2, 3}
    assert {each[2] for each in shown if each[0] == "simplify"} == {1}
    json.dumps([draw.extra for draw in draws])


@pytest.mark.parametrize(
    ("model", "environ", "words"),
    [
        ({"base_url": None}, {}, "no key for 'm'"),
        ({"base_url": None, "api_key_env": "MINE"}, {"OPENAI_API_KEY": KEY}, "set MINE"),
        ({"base_url": "ftp://x"}, {}, "expected a base URL like"),
        ({"base_url": "127.0.0.1:8000"}, {}, "expected a base URL like"),
        ({"base_url": "http://user:hunter2@h/v1"}, {}, "holds a user name or password"),
    ],
)
def test_a_model_that_cannot_be_meant_is_refused_before_anything_is_sent(tmp_path, model, environ, words):
    run = llm_run(tmp_path, **model)
    with pytest.raises(ModelError, match=words) as error:
        run.proposer(environ)
    assert "hunter2" not in str(error.value)
    assert KEY not in str(error.value)


def test_a_server_of_ones_own_needs_no_key(tmp_path):
    with OpenAIServer(["rewrite"], key="none") as server:
        run = llm_run(tmp_path, server.base_url)
        task = run.task()

        async def sitting() -> Proposal:
            async with run.proposer({}) as proposer:
                return await proposer.write(task)

        assert asyncio.run(sitting()).candidate is not None


def test_dollars_need_prices(tmp_path):
    run = llm_run(tmp_path, "http://127.0.0.1:9/v1", budget=Budget(usd=1.0))
    with pytest.raises(SpeciateError, match="--price-in"):
        run.proposer()
