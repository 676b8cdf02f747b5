"""The testbed's server: it batches as the simulated replica does, and its paged cache holds what was computed."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from serving_support import RoundRobin, small_trace, tiny_replica
from speciate.evaluators import CandidateFault, SandboxError, SpeciateError, Status
from speciate.evaluators.testbed import DecoderSize, ReplicaSize, ServingTestbed, _fleet
from speciate.evaluators.testbed._driver import serve
from speciate.evaluators.testbed._engine import Engine, Plan, Sequence, note_words
from speciate.evaluators.testbed._fleet import Fleet
from speciate.simulators.serving import HOLD, REPLICA_FIELDS, ReplicaSpec, Router, Trace, simulate

from tests.conftest import needs_torch

TINY = DecoderSize(layers=2, hidden=32, heads=2, ffn=48, vocabulary=64)


def size_of(spec: ReplicaSpec) -> ReplicaSize:
    limits = {"blocks": spec.blocks, "block_size": spec.block_size, "max_batch": spec.max_batch}
    return ReplicaSize(decoder=TINY, chunk_tokens=spec.chunk_tokens, **limits)


def seconds(plan: Plan, spec: ReplicaSpec) -> float:
    """The simulator's price of an iteration."""
    cost = spec.cost
    total = cost.token_s[plan.tokens] + cost.head_s[len(plan.decodes) + len(plan.chunks)]
    if plan.decodes:
        rate = cost.mixed_context_s if plan.chunks else cost.context_s
        total += cost.decode_fixed_s + rate * sum(each.cached + 1 for each in plan.decodes)
    if plan.chunks:
        total += cost.prefill_fixed_s + cost.pair_s * sum(c.count * (c.past + c.count / 2) for c in plan.chunks)
    return total


def finishes(trace: Trace, spec: ReplicaSpec) -> tuple[list[float], Engine]:
    """When each request ends at one engine whose iterations take what the simulator says."""
    engine, now, finish = Engine(0, size_of(spec), 1.0), 0.0, [-1.0] * len(trace)
    coming = list(range(len(trace)))
    while coming or engine.running or engine.waiting:
        now = now if engine.running or engine.waiting else max(now, float(trace.arrival_s[coming[0]]))
        while coming and trace.arrival_s[coming[0]] <= now:
            i = coming.pop(0)
            lengths = (trace.prompt_tokens[i], trace.output_tokens[i], trace.predicted_output[i])
            engine.accept(Sequence(i, *map(int, lengths)))
        plan = engine.schedule()
        assert plan is not None
        now += seconds(plan, spec)
        engine.complete(plan)
        for number in engine.take_events().done:
            finish[number] = now
    return finish, engine


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_server_batches_as_the_simulated_replica_does(seed: int) -> None:
    spec, trace = tiny_replica(), small_trace(seed, 60)

    finish, engine = finishes(trace, spec)

    simulated = simulate([spec], trace, RoundRobin())
    assert finish == pytest.approx(simulated.finish_s.tolist(), abs=1e-9)
    assert engine.preemptions == simulated.preemptions.sum() > 0
    row = dict(zip(REPLICA_FIELDS, engine.row(), strict=True))
    assert (row["used_blocks"], row["free_blocks"], row["context_tokens"]) == (0, spec.blocks, 0)


def test_a_row_tells_what_the_simulator_tells() -> None:
    engine = Engine(1, size_of(tiny_replica()), 2.5)
    for number, (prompt, output, predicted) in enumerate([(6, 9, 4), (30, 5, 5), (8, 3, 3)]):
        engine.accept(Sequence(number, prompt, output, predicted))
    plan = engine.schedule()
    assert plan is not None
    engine.complete(plan)  # 6 tokens of the first prompt, 18 of the second
    assert dict(zip(REPLICA_FIELDS, engine.row(), strict=True)) == {
        "index": 1, "speed": 2.5, "total_blocks": 40, "used_blocks": 10, "free_blocks": 30, "reserved_blocks": 2,
        "running": 2, "queued": 1, "prefill_tokens": 12 + 8, "decode_tokens": 3 + 5 + 3, "context_tokens": 24,
        "iteration_s": 0, "peak_blocks": 3 + 9 + 3, "preemptions": 0,
    }  # fmt: skip


def test_what_is_cached_in_pages_is_what_would_be_computed_anew() -> None:
    """Batched, cut into chunks, preempted and computed again, each request goes on as it does alone."""
    needs_torch()
    from speciate.evaluators.testbed._decoder import Decoder

    def spoken(blocks: int, requests: list[tuple[int, int]]) -> tuple[dict[int, list[int]], int]:
        size = ReplicaSize(decoder=TINY, blocks=blocks, block_size=4, max_batch=8, chunk_tokens=24)
        engine, decoder = Engine(0, size, 1.0), Decoder(size, "cpu", 7)
        sequences = [Sequence(n, p, 24, 24, tokens=[(n * 13 + i * 5) % 64 for i in range(p)]) for n, p in requests]
        for each in sequences:
            engine.accept(each)
        while plan := engine.schedule():
            note_words(plan, decoder.step(plan))
            engine.complete(plan)
        return {each.number: each.tokens for each in sequences}, engine.preemptions

    requests = [(0, 30), (1, 7), (2, 19), (3, 41)]
    together, preemptions = spoken(30, requests)
    assert preemptions > 0
    for request in requests:
        alone, _ = spoken(100, [request])
        assert together[request[0]] == alone[request[0]]


def test_without_torch_the_testbed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fleet, "find_spec", lambda name: None)
    with pytest.raises(SpeciateError, match=r"pip install 'speciate\[real\]'"), ServingTestbed([]):
        pass


@pytest.fixture(scope="module")
def bed() -> Iterator[ServingTestbed]:
    needs_torch()
    size = ReplicaSize(decoder=TINY, blocks=96, block_size=8, max_batch=4, chunk_tokens=32)
    with ServingTestbed([size, size]) as started:
        yield started


def test_a_calibration_that_the_machine_is_too_slow_for_is_told_in_a_line(bed: ServingTestbed) -> None:
    with pytest.raises(SpeciateError, match="the calibration failed: 30 of 30 requests were not finished"):
        bed.fit(stream(30, apart_s=1.0), RoundRobin(), wall_s=0.0)


@dataclass
class Watching:
    """Round robin that keeps what it was shown, and may fail at one question or hold at each first one."""

    fails_at: int = -1
    holds: bool = False
    seen: list[list[float]] = field(default_factory=list)

    def key(self, request: list[float]) -> float:
        return request[0]

    def place(self, observation: list[float]) -> int:
        self.seen.append(list(observation))
        if len(self.seen) == self.fails_at:
            raise CandidateFault(Status.CRASHED, "the router died")
        return HOLD if self.holds else len(self.seen) % 2


def stream(requests: int, apart_s: float = 0.01) -> Trace:
    draw = np.random.default_rng(4)
    prompt, output = draw.integers(1, 40, requests), draw.integers(1, 12, requests)
    return Trace(np.arange(requests) * apart_s, prompt, output, output)


def served(bed: ServingTestbed, router: Router, requests: int = 30) -> dict[str, float]:
    result = bed.serve(stream(requests), router, wall_s=60.0)
    times = (result.arrival_s.tolist(), result.placed_s, result.admitted_s, result.first_token_s, result.finish_s)
    for earlier, later in pairwise(times):
        assert all(a <= b for a, b in zip(earlier, later, strict=True))
    return result.metrics()


def test_a_stream_is_served_in_real_time_and_every_request_ends(bed: ServingTestbed) -> None:
    router = Watching()
    metrics = served(bed, router)
    assert metrics["makespan_s"] >= 29 * 0.01
    assert metrics["largest_replica_share"] == 0.5
    assert 0 < metrics["mean_ttft_s"] <= metrics["mean_latency_s"]
    assert 0 < metrics["cpu_share"] < 1.5
    first = dict(zip(REPLICA_FIELDS, router.seen[0][8 : 8 + len(REPLICA_FIELDS)], strict=True))
    assert (first["speed"], first["total_blocks"], first["running"], first["queued"]) == (1.0, 96, 0, 0)


def test_what_is_placed_shows_at_once_though_no_report_knows_of_it(bed: ServingTestbed) -> None:
    router = Watching()
    bed.serve(Trace(np.zeros(3), [9, 9, 9], [2, 2, 2], [5, 5, 5]), router, wall_s=60.0)
    row = 8 + len(REPLICA_FIELDS)  # of replica 1, which took the first
    shown = dict(zip(REPLICA_FIELDS, router.seen[1][row:], strict=True))
    assert shown["queued"] + shown["running"] == 1
    assert shown["peak_blocks"] == 2


def test_the_calibrated_simulator_has_the_replicas_limits(bed: ServingTestbed) -> None:
    bed.fit(stream(30), RoundRobin(), wall_s=60.0)
    assert [spec.blocks for spec in bed.specs] == [96, 96]
    assert bed.facts["device"] in ("cpu", "cuda")
    assert float(bed.facts["host_s"]) >= 0
    assert simulate(bed.specs, stream(30), RoundRobin()).metrics()["mean_latency_s"] > 0


def test_a_router_that_fails_leaves_the_replicas_empty_for_the_next(bed: ServingTestbed) -> None:
    with pytest.raises(CandidateFault, match="the router died"):
        bed.serve(stream(30), Watching(fails_at=9), wall_s=60.0)
    router = Watching()
    served(bed, router, 10)
    assert router.seen[0][8 + REPLICA_FIELDS.index("running")] == 0


def test_a_router_that_holds_for_ever_is_forced_at_the_end(bed: ServingTestbed) -> None:
    assert served(bed, Watching(holds=True), 4)["forced"] == 4


def test_a_stream_that_does_not_end_in_time_is_a_timeout(bed: ServingTestbed) -> None:
    with pytest.raises(CandidateFault, match="were not finished") as caught:
        bed.serve(stream(30, apart_s=1.0), Watching(), wall_s=0.3)
    assert (caught.value.status, caught.value.limit) == (Status.TIMEOUT, "wall_s")


def test_a_replica_that_dies_ends_the_run_with_its_last_words() -> None:
    needs_torch()
    larger_than_any_memory = DecoderSize(layers=1, hidden=8, heads=2, ffn=8, vocabulary=10**12)
    broken = ReplicaSize(decoder=larger_than_any_memory, blocks=4)
    with pytest.raises(SandboxError, match="replica 0 of the testbed ended: "), ServingTestbed([broken]):
        pass


def test_a_replica_that_is_killed_under_way_ends_the_run() -> None:
    needs_torch()
    size = ReplicaSize(decoder=TINY, blocks=96, block_size=8, max_batch=4, chunk_tokens=32)
    with Fleet([size], "cpu") as fleet:
        fleet._processes[0].kill()
        with pytest.raises(SandboxError, match=r"replica 0 of the testbed ended|connection broke"):
            serve(fleet, [1.0], stream(5), RoundRobin(), wall_s=30.0)


def test_sizes_that_no_server_can_have_are_refused() -> None:
    with pytest.raises(ValueError, match="even number for each head"):
        DecoderSize(layers=1, hidden=9, heads=2, ffn=8, vocabulary=4)
    with pytest.raises(ValueError, match="chunk_tokens > max_batch must hold"):
        ReplicaSize(decoder=TINY, blocks=4, max_batch=32, chunk_tokens=32)


def test_importing_the_testbed_leaves_torch_out() -> None:
    modules = "speciate.evaluators.testbed, speciate.search_spaces.serving_router._real"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
