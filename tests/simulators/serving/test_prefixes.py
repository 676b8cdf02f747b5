"""Prefix caches: against a slow second implementation, in closed form, and what is known of routing to them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_support import LeastOutstandingPlacer as LeastOutstanding
from serving_support import (
    MostCached,
    PrefillTimesBatch,
    Recorder,
    Scripted,
    Sticky,
    prefix_reference_run,
    small_prefix_trace,
    tiny_replica,
)
from speciate.search_spaces.traces import SessionModel, generate_sessions, load_mooncake_jsonl
from speciate.simulators.serving import (
    EFFICIENCIES,
    GPUS,
    MODELS,
    CachingReplica,
    DecisionError,
    EventLimitError,
    Placer,
    PrefixCache,
    PrefixTrace,
    ReplicaSpec,
    Result,
    Trace,
    isolated_latency,
    iteration_model,
    simulate,
    simulate_prefixes,
)


def a100() -> ReplicaSpec:
    model = MODELS["Llama-3.1-8B"]
    cost = iteration_model(model, GPUS["A100-80G"], EFFICIENCIES["A100-80G"])
    return ReplicaSpec(cost=cost, blocks=model.kv_blocks(80e9))


def conversations(rate: float, seed: int, *, requests: int = 900, skew: float = 1.0) -> PrefixTrace:
    return generate_sessions(SessionModel(rate=rate, requests=requests, skew=skew), seed)


def four(cache_blocks: int) -> list[CachingReplica]:
    return [CachingReplica(a100(), cache_blocks)] * 4


def hit_rate(result: Result) -> float:
    return float(result.reused_tokens.sum() / result.trace.prompt_tokens.sum())


def mean_ttft(result: Result) -> float:
    return float(result.ttft_s.mean())


def unshared(trace: PrefixTrace) -> PrefixTrace:
    """The same requests, no two with a block in common."""
    counts = [len(row) for row in trace.blocks]
    starts = np.concatenate(([0], np.cumsum(counts))).tolist()
    rows = tuple(tuple(range(start, start + count)) for start, count in zip(starts[:-1], counts, strict=True))
    return PrefixTrace(trace.requests, rows, np.arange(len(trace)), trace.block_tokens)


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_reference_in_every_time_count_and_observation(seed: int) -> None:
    """Low load to overload, with and without preemption, caches from none to more than all."""
    small = tiny_replica(blocks=40 + seed % 30, max_batch=3 + seed % 6, chunk_tokens=10 + seed % 30)
    cluster = [CachingReplica(tiny_replica(), seed * 3), CachingReplica(small.scaled(0.7), 5 + 8 * (seed % 5))]
    trace = small_prefix_trace(seed, rate=0.2 + seed % 7 * 0.6)
    for make in (lambda: Scripted(seed, 2, hold=0.0), MostCached, PrefillTimesBatch):
        seen, recorder = Recorder(make()), Recorder(make())
        world = prefix_reference_run(cluster, trace, seen)
        result = simulate_prefixes(cluster, trace, recorder)
        result.check()
        assert recorder.answers == seen.answers
        np.testing.assert_allclose(recorder.observations, seen.observations, rtol=0, atol=1e-8)
        for name in ("placed", "admitted", "first_token", "finish"):
            times = [getattr(job, name) for job in world.jobs]
            np.testing.assert_allclose(getattr(result, f"{name}_s"), times, rtol=0, atol=1e-8)
        assert result.preemptions.tolist() == [job.preemptions for job in world.jobs]


def test_the_reference_runs_cover_hits_evictions_and_preemption() -> None:
    """Else the test above would prove little."""
    small, large = (
        simulate_prefixes([CachingReplica(tiny_replica(), room)] * 2, small_prefix_trace(5, rate=3.2), MostCached())
        for room in (9, 1000)
    )
    assert small.preemptions.sum() > 5
    assert 0 < small.reused_tokens.sum() < large.reused_tokens.sum()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    capacity=st.integers(0, 12),
    prompts=st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), min_size=1, max_size=25),
)
def test_a_cache_is_least_recently_used_and_holds_runs_from_the_start(capacity: int, prompts: list[list[int]]) -> None:
    """Prompts are paths in a binary tree; a block's number is its path."""
    cache = PrefixCache(capacity)
    plain: list[int] = []
    for path in prompts:
        blocks = [int("1" + "".join(map(str, path[: depth + 1])), 2) for depth in range(len(path))]
        run = next((depth for depth, block in enumerate(blocks) if block not in plain), len(blocks))
        assert cache.match(blocks) == run
        assert not any(block in plain for block in blocks[run:])
        cache.store(blocks)
        for block in reversed(blocks):
            plain = [*(other for other in plain if other != block), block]
        plain = plain[max(0, len(plain) - capacity) :]
        assert len(cache) == len(plain)


def test_without_a_cache_it_is_the_plain_cluster() -> None:
    trace = conversations(9.0, 1, requests=300)

    class Plain(LeastOutstanding):
        """The same choice from the plain cluster's longer rows."""

        def key(self, request: Sequence[float]) -> float:
            return request[0]

        def place(self, observation: Sequence[float]) -> int:
            loads = [sum(observation[row + 6 : row + 8]) for row in range(8, len(observation), 14)]
            return loads.index(min(loads))

    cached = simulate_prefixes(four(0), trace, LeastOutstanding())
    plain = simulate([a100()] * 4, trace.requests, Plain())
    assert np.array_equal(cached.finish_s, plain.finish_s)
    assert cached.iterations == plain.iterations
    assert not cached.reused_tokens.any()


def test_one_request_at_a_time_and_room_for_all_reuses_all_that_is_known() -> None:
    """Closed form: every known token is spared, and each request takes its isolated latency with it cached."""
    trace = conversations(9.0, 2, requests=60)
    spaced = Trace(
        np.arange(60) * 1e3,
        trace.requests.prompt_tokens,
        trace.requests.output_tokens,
        trace.requests.predicted_output,
    )
    alone = PrefixTrace(spaced, trace.blocks, trace.session, trace.block_tokens)
    result = simulate_prefixes([CachingReplica(a100(), 100_000)], alone, LeastOutstanding())
    result.check()
    assert np.array_equal(result.reused_tokens, alone.known_tokens())
    np.testing.assert_allclose(result.latency_s, result.isolated_s, rtol=1e-9)
    whole = isolated_latency(a100(), int(spaced.prompt_tokens[-1]), int(spaced.output_tokens[-1]))
    assert result.latency_s[-1] < whole or not result.reused_tokens[-1]


def test_a_larger_cache_never_loses_hits_at_one_replica() -> None:
    """Least recently used is a stack algorithm: at one replica, in one order, more room holds a superset."""
    trace = conversations(2.0, 3, requests=300)
    rates = [
        hit_rate(simulate_prefixes([CachingReplica(a100(), room)], trace, LeastOutstanding()))
        for room in (0, 100, 400, 1600, 100_000)
    ]
    assert rates == sorted(rates)
    assert rates[0] == 0.0
    assert rates[-1] > 0.5


def test_prefix_aware_routing_beats_least_outstanding_near_the_knee() -> None:
    """Preble's relation: mean time to first token 1.5 to 14.5 times better, from reuse alone."""
    for seed in (1, 2):
        trace = conversations(8.0, seed)
        plain, aware = (
            simulate_prefixes(four(400), trace, placer()) for placer in (LeastOutstanding, PrefillTimesBatch)
        )
        assert hit_rate(aware) > 1.2 * hit_rate(plain)
        assert mean_ttft(plain) > 1.5 * mean_ttft(aware)
        assert plain.metrics()["mean_tpot_s"] > aware.metrics()["mean_tpot_s"]


def test_nothing_shared_leaves_nothing_to_gain_from_affinity() -> None:
    """As on traces without prefixes: the placer that looks for hits finds none and is plain least outstanding."""
    trace = unshared(conversations(6.0, 1))
    plain, most = (simulate_prefixes(four(400), trace, placer()) for placer in (LeastOutstanding, MostCached))
    assert hit_rate(most) == 0.0
    assert np.array_equal(plain.finish_s, most.finish_s)


def test_locality_alone_reuses_most_and_is_late_where_one_application_is_hot() -> None:
    """The trade of load and locality: the most hits go with the worse time to first token."""
    trace = conversations(8.0, 3, skew=2.0)
    most, balanced = (simulate_prefixes(four(2000), trace, placer()) for placer in (MostCached, PrefillTimesBatch))
    assert hit_rate(most) > hit_rate(balanced)
    assert mean_ttft(most) > 1.2 * mean_ttft(balanced)


def test_sessions_that_stay_reuse_more_than_ones_that_wander() -> None:
    trace = conversations(6.0, 1)
    sticky, wandering = (simulate_prefixes(four(400), trace, placer()) for placer in (Sticky, LeastOutstanding))
    assert hit_rate(sticky) > 1.3 * hit_rate(wandering)


def test_a_trace_whose_blocks_are_not_its_prompts_is_refused() -> None:
    requests = Trace([0.0, 1.0], [16, 24], [1, 1], [1, 1])
    good = ((0, 1), (0, 1, 2))
    PrefixTrace(requests, good, [0, 0], 8)
    for blocks, said in (
        (((0, 1), (0, 1)), "request 1: a prompt of 24 tokens has 3 blocks of 8"),
        (((0, 1), (1, 0, 2)), "request 1: block 1 follows nothing here and block 0 before"),
        (((0, 1), (0, 0, 2)), "request 1: block 0 follows block 0 here and nothing before"),
        (((0, -3), (0, 1, 2)), "request 0: blocks must be numbers >= 0, got -3"),
        (((0, 1),), "expected the blocks and a session >= 0 of each of the 2 requests"),
    ):
        with pytest.raises(ValueError, match=said):
            PrefixTrace(requests, blocks, [0, 0], 8)
    with pytest.raises(ValueError, match="block_tokens must be >= 1"):
        PrefixTrace(requests, good, [0, 0], 0)
    with pytest.raises(ValueError, match="room for >= 0 blocks, got -1"):
        simulate_prefixes([CachingReplica(tiny_replica(), -1)], PrefixTrace(requests, good, [0, 0], 8), Sticky())


@pytest.mark.parametrize("answer", [4, -1, 0.5, float("nan")])
def test_an_answer_that_is_no_replica_is_refused(answer: float) -> None:
    class Says:
        def place(self, observation: Sequence[float]) -> float:
            return answer

    with pytest.raises((DecisionError, ValueError)):
        simulate_prefixes(four(0), conversations(5.0, 1, requests=5), Says())


def test_a_run_that_passes_its_event_limit_is_given_up() -> None:
    with pytest.raises(EventLimitError, match="gave up at"):
        simulate_prefixes(four(0), conversations(5.0, 1, requests=50), LeastOutstanding(), event_limit=20)


DIGEST = """
from serving_support import PrefillTimesBatch, small_prefix_trace, tiny_replica
from speciate.simulators.serving import CachingReplica, simulate_prefixes
cluster = [CachingReplica(tiny_replica(), 9), CachingReplica(tiny_replica().scaled(2.0), 5)]
print(simulate_prefixes(cluster, small_prefix_trace(3, rate=2.0), PrefillTimesBatch()).digest())
"""


def test_the_digest_is_the_same_in_another_process_and_with_another_hash_seed() -> None:
    tests = str(Path(__file__).parents[2])
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": tests},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "77")
    }
    assert len(found) == 1
    assert len(found.pop()) == 33


def test_on_the_mooncake_conversations_prefix_aware_routing_wins(data_folder: Path) -> None:
    """Measured in the trace: 36.6 % of blocks are in an earlier prompt."""
    file = data_folder / "mooncake-fast25" / "conversation_trace.jsonl"
    log = load_mooncake_jsonl(file)
    seen: set[int] = set()
    known = 0
    for line in file.read_text().splitlines():
        ids = json.loads(line)["hash_ids"]
        known += next((at for at, block in enumerate(ids) if block not in seen), len(ids))
        seen.update(ids)
    assert known / sum(map(len, log.blocks)) == pytest.approx(0.366, abs=0.001)
    part = slice(0, 2500)
    requests = Trace(
        1.9 * log.requests.arrival_s[part],
        log.requests.prompt_tokens[part],
        log.requests.output_tokens[part],
        log.requests.output_tokens[part],
    )
    trace = PrefixTrace(requests, log.blocks[part], log.session[part], 512)
    placers: Sequence[type[Placer]] = (LeastOutstanding, PrefillTimesBatch)
    plain, aware = (simulate_prefixes(four(2000), trace, placer()) for placer in placers)
    assert mean_ttft(plain) > 1.5 * mean_ttft(aware)
    assert hit_rate(aware) > hit_rate(plain)
