"""The testbed's server under a scheduler: it batches as the simulated one does, and a cache that was away is whole."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from serving_support import FirstCome, LeastAttained, ShortestFirst, Whims, small_trace, tiny_replica
from speciate.evaluators import CandidateFault, Status
from speciate.evaluators.testbed import DecoderSize, ReplicaSize, Scheduled, SchedulingTestbed, Stream
from speciate.evaluators.testbed._job import Job, SteeredPlan
from speciate.evaluators.testbed._steered_driver import jobs_of
from speciate.evaluators.testbed._steered_engine import SteeredEngine
from speciate.simulators.serving import (
    ENGINE_FIELDS,
    JOB_FIELDS,
    HostMemory,
    Promises,
    Scheduler,
    Server,
    Trace,
    simulate_schedule,
)

from tests.conftest import needs_torch

TINY = DecoderSize(layers=2, hidden=32, heads=2, ffn=48, vocabulary=64)
FIELDS = (*JOB_FIELDS, *ENGINE_FIELDS)


class Watched:
    """A scheduler whose questions are kept."""

    def __init__(self, inner: Scheduler):
        self.inner = inner
        self.asked: list[tuple[str, list[float]]] = []

    def rank(self, observation: Sequence[float]) -> float:
        return self.inner.rank(self.noted("rank", observation))

    def chunk(self, observation: Sequence[float]) -> float:
        return self.inner.chunk(self.noted("chunk", observation))

    def evict(self, observation: Sequence[float]) -> float:
        return self.inner.evict(self.noted("evict", observation))

    def swap(self, observation: Sequence[float]) -> float:
        return self.inner.swap(self.noted("swap", observation))

    def noted(self, hook: str, observation: Sequence[float]) -> Sequence[float]:
        self.asked.append((hook, list(observation)))
        return observation


class Eager(Whims):
    """One that lets heads join in parts, and others leave for them."""

    def chunk(self, observation: Sequence[float]) -> float:
        return self.draw.choice((3.0, 7.5, 1e9))


def seconds(plan: SteeredPlan, server: Server) -> float:
    """The simulator's price of an iteration."""
    cost = server.replica.cost
    total = cost.token_s[plan.tokens] + cost.head_s[len(plan.decodes) + len(plan.chunks)]
    total += server.host.block_s * sum(len(copy.blocks) for copy in plan.copies)
    if plan.decodes:
        rate = cost.mixed_context_s if plan.chunks else cost.context_s
        total += cost.decode_fixed_s + rate * sum(each.cached + 1 for each in plan.decodes)
    if plan.chunks:
        total += cost.prefill_fixed_s + cost.pair_s * sum(c.count * (c.past + c.count / 2) for c in plan.chunks)
    return total


def served(server: Server, stream: Stream, scheduler: Scheduler) -> tuple[list[Job], SteeredEngine]:
    """What becomes of a stream at one engine whose iterations take what the simulator says."""
    jobs = jobs_of(stream, float(stream.trace.arrival_s[0]))
    engine, now, coming = SteeredEngine(server, scheduler), 0.0, 0
    while coming < len(jobs) or engine.running or engine.line:
        if not (engine.running or engine.line):
            now = jobs[coming].arrival_s
        while coming < len(jobs) and jobs[coming].arrival_s <= now:
            engine.arrive(now, jobs[coming])
            coming += 1
        plan = engine.schedule(now)
        assert plan is not None
        now += seconds(plan, server)
        while coming < len(jobs) and jobs[coming].arrival_s < now:
            engine.arrive(jobs[coming].arrival_s, jobs[coming])
            coming += 1
        engine.complete(now)
    return jobs, engine


def stream_of(trace: Trace) -> Stream:
    return Stream(trace, Promises(np.full(len(trace), 2.0), np.full(len(trace), 0.1), gap_s=0.05))


@pytest.mark.parametrize("kind", ["first", "shortest", "attained", "swapping", *range(12)])
def test_the_server_batches_as_the_simulated_one_does_whatever_is_decided(kind: str | int) -> None:
    seed = kind if isinstance(kind, int) else 5
    named = {"first": FirstCome, "shortest": ShortestFirst, "attained": LeastAttained}
    real, simulated = (
        Watched(Whims(seed) if isinstance(kind, int) else named.get(kind, FirstCome)(swap=float(kind == "swapping")))
        for _ in range(2)
    )
    server = Server(tiny_replica(blocks=36 + seed), HostMemory(40, 0.001))
    stream = stream_of(small_trace(seed, 60, rate=0.5 + seed % 7 * 0.6))

    jobs, engine = served(server, stream, real)

    result = simulate_schedule(server, stream.trace, stream.promises, simulated, macro=False)
    assert [job.token_s[-1] for job in jobs] == pytest.approx(result.finish_s.tolist(), abs=1e-8)
    assert [job.token_s[0] for job in jobs] == pytest.approx(result.first_token_s.tolist(), abs=1e-8)
    assert [job.admitted_s for job in jobs] == pytest.approx(result.admitted_s.tolist(), abs=1e-8)
    assert [job.preemptions for job in jobs] == result.preemptions.tolist()
    assert dict(vars(engine.tally)) == dict(result.tally)
    assert engine.recomputed_tokens == result.metrics()["recomputed_tokens"]
    assert engine.is_empty()
    if kind != "first":
        assert result.preemptions.sum() > 0
    same_questions(real, simulated)


def same_questions(real: Watched, simulated: Watched) -> None:
    """Both were asked the same of the same. What an iteration under way takes is told in its own way by each."""
    assert [hook for hook, _ in real.asked] == [hook for hook, _ in simulated.asked]
    for (hook, shown), (_, expected) in zip(real.asked, simulated.asked, strict=True):
        pairs = {name: (a, b) for name, a, b in zip(FIELDS, shown, expected, strict=True)}
        if hook == "rank":
            del pairs["iteration_s"]
        for name, (a, b) in pairs.items():
            assert a == pytest.approx(b, abs=1e-7), (hook, name)


def test_a_cache_that_was_copied_to_the_host_is_what_would_be_computed_anew() -> None:
    """Batched, cut into chunks, preempted, copied there and back, each request goes on as it does alone."""
    needs_torch()
    from speciate.evaluators.testbed._decoder import Decoder
    from speciate.evaluators.testbed._steered_replica import Steered

    def spoken(blocks: int, scheduler: Scheduler, trace: Trace) -> tuple[dict[int, list[int]], SteeredEngine]:
        spec = tiny_replica(blocks=blocks, block_size=4, max_batch=8, chunk_tokens=24)
        limits = {"blocks": blocks, "block_size": 4, "max_batch": 8, "chunk_tokens": 24, "host_blocks": 24}
        steered = Steered(Decoder(ReplicaSize(decoder=TINY, **limits), "cpu", 7))
        engine = SteeredEngine(Server(spec, HostMemory(24, 0.001)), scheduler)
        for job in jobs_of(stream_of(trace), 0.0):
            steered.place([job.number, job.prompt, job.output])
            engine.arrive(0.0, job)
        while plan := engine.schedule(0.0):
            steered.compute(plan.order())
            engine.complete(0.0)
        return steered.words(), engine

    count = 8
    trace = Trace(np.zeros(count), [30, 7, 19, 41, 12, 25, 9, 33], [24] * count, [24] * count)
    alone, calm = spoken(1000, FirstCome(), trace)
    assert calm.preemptions == 0
    swaps = dropped = 0
    for seed in range(3):
        together, engine = spoken(24, Eager(seed), trace)
        swaps, dropped = swaps + engine.tally.swaps, dropped + engine.preemptions - engine.tally.swaps
        assert together == alone
    assert min(swaps, dropped) > 10, "else this would prove little"


@pytest.fixture(scope="module")
def bed() -> Iterator[SchedulingTestbed]:
    needs_torch()
    size = ReplicaSize(decoder=TINY, blocks=40, block_size=8, max_batch=8, chunk_tokens=32, host_blocks=20)
    with SchedulingTestbed(size) as started:
        started.fit(some(20), FirstCome(), wall_s=60.0)
        started.keep_pace_with(tiny_replica())
        yield started


def some(requests: int, apart_s: float = 0.01) -> Stream:
    draw = np.random.default_rng(4)
    prompt, output = draw.integers(1, 60, requests), draw.integers(1, 30, requests)
    return stream_of(Trace(np.arange(requests) * apart_s, prompt, output, output))


def test_a_stream_is_served_in_real_time_by_the_schedulers_clock(bed: SchedulingTestbed) -> None:
    scheduler = Watched(Eager(3))
    run = bed.serve(some(30, apart_s=0.0), scheduler, wall_s=60.0)
    ordered(run)
    metrics = run.metrics()
    assert 0 < metrics["mean_ttft_s"] <= metrics["mean_latency_s"]
    assert 0 < metrics["thought_share"] < 1
    assert metrics["preemptions"] > metrics["swaps"] > 0
    assert [len(job.token_s) for job in run.jobs] == [job.output for job in run.jobs]
    assert {hook for hook, _ in scheduler.asked} == {"rank", "chunk", "evict", "swap"}
    assert bed.serve(some(30), FirstCome(), wall_s=60.0).metrics()["makespan_s"] >= 29 * 0.01


def ordered(run: Scheduled) -> None:
    for job in run.jobs:
        times = [job.arrival_s, job.admitted_s, *job.token_s]
        assert times == sorted(times)


def test_the_calibrated_server_has_the_engines_limits_and_the_clocks_pace(bed: SchedulingTestbed) -> None:
    server = bed.server
    assert (server.replica.blocks, server.host.blocks) == (40, 20)
    specs = (server.replica, tiny_replica())
    own, other = (spec.cost.decode_s(8, 0.5 * spec.blocks * spec.block_size) for spec in specs)
    assert own == pytest.approx(other)
    assert 0 < server.host.block_s == pytest.approx(bed.pace * float(bed.facts["block_s"]))
    assert simulate_schedule(server, *some(30), Whims(3)).metrics()["mean_latency_s"] > 0


def test_a_scheduler_that_fails_leaves_the_replica_empty_for_the_next(bed: SchedulingTestbed) -> None:
    class Dies(FirstCome):
        def evict(self, observation: Sequence[float]) -> float:
            raise CandidateFault(Status.CRASHED, "the scheduler died")

    with pytest.raises(CandidateFault, match="the scheduler died"):
        bed.serve(some(30, apart_s=0.0), Dies(), wall_s=60.0)
    scheduler = Watched(FirstCome())
    bed.serve(some(10), scheduler, wall_s=60.0)
    first = dict(zip(FIELDS, scheduler.asked[0][1], strict=True))
    assert (first["free_blocks"], first["host_blocks"], first["decoding"], first["waiting"]) == (40, 20, 0, 1)


def test_a_stream_that_a_scheduler_does_not_end_in_time_is_a_timeout(bed: SchedulingTestbed) -> None:
    with pytest.raises(CandidateFault, match="were not finished") as caught:
        bed.serve(some(30, apart_s=100.0), FirstCome(), wall_s=0.3)
    assert (caught.value.status, caught.value.limit) == (Status.TIMEOUT, "wall_s")
