"""The event engine against a slow second implementation, and the rules of the central queue."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_support import (
    HeadRoom,
    LeastOutstanding,
    Recorder,
    RoundRobin,
    Scripted,
    reference_run,
    sharegpt_like,
    small_trace,
    tiny_replica,
)
from speciate.simulators.serving import (
    HOLD,
    DecisionError,
    EventLimitError,
    ReplicaSpec,
    Result,
    Router,
    Trace,
    equal_cluster,
    isolated_latency,
    simulate,
)


def uneven_pair(seed: int) -> tuple[ReplicaSpec, ...]:
    other = tiny_replica(blocks=36 + seed % 30, max_batch=3 + seed % 6, chunk_tokens=10 + seed % 30)
    return tiny_replica(), other.scaled(0.7)


def routers(seed: int) -> list[Router]:
    scripted = (Scripted(seed, 2, hold=hold) for hold in (0.3, 0.95))
    return [RoundRobin(), LeastOutstanding(), HeadRoom(), *scripted]


class AlwaysHold:
    """Orders by prompt length and never places."""

    def key(self, request: Sequence[float]) -> float:
        return request[2]

    def place(self, observation: Sequence[float]) -> int:
        return HOLD


class Answers:
    """Says what it is told to."""

    def __init__(self, key: float, place: float):
        self.answers = key, place

    def key(self, request: Sequence[float]) -> float:
        return self.answers[0]

    def place(self, observation: Sequence[float]) -> float:
        return self.answers[1]


@pytest.mark.parametrize("seed", range(24))
def test_equals_the_reference_in_every_time_count_and_observation(seed: int) -> None:
    """Low load to overload; with and without preemptions; jumps and single steps."""
    cluster, trace = uneven_pair(seed), small_trace(seed, rate=0.1 + seed % 7 * 0.6)
    for expected, jumping, stepping in zip(routers(seed), routers(seed), routers(seed), strict=True):
        seen = Recorder(expected)
        world = reference_run(cluster, trace, seen)
        for router, macro in ((jumping, True), (stepping, False)):
            recorder = Recorder(router)
            result = simulate(cluster, trace, recorder, macro=macro)
            result.check()
            assert recorder.answers == seen.answers
            observed, wanted = np.concatenate(recorder.observations), np.concatenate(seen.observations)
            np.testing.assert_allclose(observed, wanted, rtol=0, atol=1e-8)
            for name in ("placed", "admitted", "first_token", "finish"):
                times = [getattr(job, name) for job in world.jobs]
                np.testing.assert_allclose(getattr(result, f"{name}_s"), times, rtol=0, atol=1e-8)
            assert result.preemptions.tolist() == [job.preemptions for job in world.jobs]
            assert result.replica.tolist() == [job.replica for job in world.jobs]
            assert [total.iterations for total in result.replicas] == [s.iterations for s in world.servers]
            assert result.decisions.forced == world.forced


def test_the_reference_runs_cover_preemption_chunking_and_force() -> None:
    """Else the test above would prove little."""
    scarce = simulate(uneven_pair(5), small_trace(5, rate=3.0), RoundRobin())
    roomy = simulate(uneven_pair(0), small_trace(0, rate=0.1), LeastOutstanding())
    assert scarce.preemptions.sum() > 10
    assert roomy.preemptions.sum() == 0
    assert scarce.trace.prompt_tokens.max() > tiny_replica().chunk_tokens
    assert simulate(uneven_pair(0), small_trace(0), AlwaysHold()).decisions.forced == 40


def test_jumps_equal_single_steps_on_a_realistic_replica() -> None:
    for rate, preempts in ((0.4, False), (1.6, True)):
        trace = sharegpt_like(rate, 150, 3)
        jumps = simulate(equal_cluster(1), trace, RoundRobin())
        steps = simulate(equal_cluster(1), trace, RoundRobin(), macro=False)
        assert (jumps.preemptions.sum() > 0) == preempts
        assert jumps.iterations == steps.iterations
        assert jumps.preemptions.tolist() == steps.preemptions.tolist()
        np.testing.assert_allclose(jumps.finish_s, steps.finish_s, rtol=0, atol=1e-7)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    requests=st.lists(
        st.tuples(st.floats(0, 3), st.integers(1, 60), st.integers(1, 60), st.integers(0, 200)), min_size=1, max_size=30
    ),
    blocks=st.integers(30, 80),
    max_batch=st.integers(1, 9),
    chunk=st.integers(10, 60),
    seed=st.integers(0, 999),
    hold=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_nothing_is_lost_or_made(
    requests: list[tuple[float, int, int, int]], blocks: int, max_batch: int, chunk: int, seed: int, hold: float
) -> None:
    gaps, prompt, output, predicted = (np.array(column) for column in zip(*requests, strict=True))
    trace = Trace(np.cumsum(gaps), prompt, output, predicted)
    replica = tiny_replica(blocks=blocks, max_batch=max_batch, chunk_tokens=chunk)
    cluster = (replica, replica.scaled(2.0), replica.scaled(0.5, blocks=blocks + 7))
    result = simulate(cluster, trace, Scripted(seed, 3, hold=hold))
    result.check()
    assert result.decisions.keys == len(trace)
    assert result.decisions.places - result.decisions.holds + result.decisions.forced == len(trace)


def test_a_preempted_request_yields_its_next_token_after_recomputing() -> None:
    """Two requests of 8 + 12 tokens on 8 blocks of 4: 20 tokens each, the last never cached, cannot both stay."""
    trace = Trace([0.0, 0.0], [8, 8], [12, 12], [12, 12])
    result = simulate([tiny_replica(blocks=8)], trace, RoundRobin())
    result.check()
    total = result.replicas[0]
    assert result.preemptions.tolist() == [0, 1]
    # At 8 + 8 cached tokens each both need a fifth block: the second leaves with 9 generated tokens, all to recompute.
    assert total.recomputed_tokens == 8 + 9
    assert total.output_tokens == 24
    # 1 for the prompts, 8 together, 3 for the first alone; then 1 to recompute (token 10) and 2 more.
    assert total.iterations == 1 + 8 + 3 + 1 + 2


def test_a_request_alone_takes_its_isolated_latency() -> None:
    replica = tiny_replica()
    for prompt, output in ((1, 1), (23, 1), (24, 2), (25, 9), (70, 70)):
        result = simulate([replica], Trace([2.0], [prompt], [output], [3]), RoundRobin())
        assert result.latency_s[0] == pytest.approx(isolated_latency(replica, prompt, output), rel=1e-12)


def test_a_jump_ends_with_the_iteration_under_way_when_a_request_is_placed() -> None:
    replica = tiny_replica(blocks=200)
    first = simulate([replica], Trace([0.0], [10], [50], [50]), RoundRobin(), macro=False)
    middle = float(first.first_token_s[0]) + 0.31
    result = simulate([replica], Trace([0.0, middle], [10, 10], [50, 5], [50, 5]), RoundRobin())
    wait = result.admitted_s[1] - middle
    assert 0 < wait < replica.cost.decode_s(1, 60)
    assert result.placed_s[1] == middle


def test_requests_of_one_instant_start_together() -> None:
    trace = Trace([1.0] * 4, [5] * 4, [3] * 4, [3] * 4)
    assert np.ptp(simulate([tiny_replica()], trace, RoundRobin()).first_token_s) == 0.0


def test_the_queue_is_ordered_by_key_and_then_by_arrival() -> None:
    trace = Trace([0.0, 0.1, 0.2, 0.3], [9, 5, 7, 5], [2] * 4, [2] * 4)
    result = simulate([tiny_replica()], trace, AlwaysHold())
    assert np.argsort(result.placed_s).tolist() == [1, 3, 2, 0]


def test_a_held_head_is_not_asked_about_again_until_something_changes() -> None:
    """Arrivals behind a held head ask nothing; one that becomes the head does; a finish does."""
    recorder = Recorder(AlwaysHold())
    trace = Trace([0.0, 1.0, 2.0], [5, 9, 3], [2] * 3, [2] * 3)
    result = simulate([tiny_replica()], trace, recorder)
    assert [len(o) for o in recorder.observations] == [5, 22, 5, 5, 22, 22, 22]
    assert result.decisions.places == 4
    assert result.decisions.forced == 3


def test_a_forced_request_goes_to_the_fastest_replica_and_ties_to_the_first() -> None:
    cluster = [tiny_replica(), tiny_replica().scaled(2.0), tiny_replica().scaled(2.0)]
    result = simulate(cluster, small_trace(1, 5), AlwaysHold())
    assert result.replica.tolist() == [1] * 5


@pytest.mark.parametrize("place", [1.0, 2, -2, 0.5, float("nan"), float("inf")])
def test_an_answer_that_is_no_replica_is_refused(place: float) -> None:
    with pytest.raises(DecisionError, match="replica from 0 to 0 or -1"):
        simulate([tiny_replica()], small_trace(1, 3), Answers(0.0, place))


def test_a_key_that_is_no_number_is_refused() -> None:
    with pytest.raises(DecisionError, match="request 0, got nan"):
        simulate([tiny_replica()], small_trace(1, 3), Answers(float("nan"), 0))


def test_a_run_past_its_event_limit_is_ended() -> None:
    with pytest.raises(EventLimitError, match="gave up after 10 events"):
        simulate([tiny_replica()], small_trace(1), RoundRobin(), event_limit=10)


def test_a_request_that_does_not_fit_is_refused_at_the_start() -> None:
    cluster = [tiny_replica(), tiny_replica(blocks=20)]
    with pytest.raises(ValueError, match=r"needs 21 KV blocks of 4 but the smallest replica has 20"):
        simulate(cluster, Trace([0.0], [40], [44], [1]), RoundRobin())


def test_a_cluster_must_be_there_and_agree_on_the_block_size() -> None:
    trace = small_trace(1, 3)
    with pytest.raises(ValueError, match="at least 1 replica"):
        simulate([], trace, RoundRobin())
    with pytest.raises(ValueError, match=r"same block_size, got \[4, 8\]"):
        simulate([tiny_replica(), tiny_replica(block_size=8)], trace, RoundRobin())


def test_a_router_that_raises_ends_the_run() -> None:
    class Broken(AlwaysHold):
        def place(self, observation: Sequence[float]) -> int:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        simulate([tiny_replica()], small_trace(1, 3), Broken())


def test_a_router_may_change_what_it_was_given_without_effect() -> None:
    class Vandal(RoundRobin):
        def key(self, request: Sequence[float]) -> float:
            key = super().key(request)
            assert isinstance(request, list)
            request.clear()
            return key

        def place(self, observation: Sequence[float]) -> int:
            answer = super().place(observation)
            assert isinstance(observation, list)
            observation[:] = [-1.0] * len(observation)
            return answer

    def run(router: Router) -> Result:
        return simulate(uneven_pair(3), small_trace(3), router)

    assert run(Vandal()).digest() == run(RoundRobin()).digest()
