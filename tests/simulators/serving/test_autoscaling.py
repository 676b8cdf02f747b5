"""The fleet whose size a scaler chooses: its rules, its laws, and what is known of scaling with a lag."""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_support import Fixed, LeastOutstanding, Moods, Tracking, sharegpt_like, small_trace, tiny_replica
from speciate.simulators.serving import (
    FLEET_FIELDS,
    DecisionError,
    EventLimitError,
    FleetResult,
    FleetSpec,
    ReplicaSpec,
    Scaler,
    Trace,
    a10_replica,
    fleet_bound,
    simulate,
    simulate_fleet,
)


def run(spec: ReplicaSpec, fleet: FleetSpec, trace: Trace, scaler: Scaler) -> FleetResult:
    result = simulate_fleet(spec, fleet, trace, (2.0 + 0.1 * trace.output_tokens).tolist(), scaler)
    result.check()
    return result


class Script:
    """Answers in turn, the last one for ever; keeps what it saw."""

    def __init__(self, *answers: float):
        self.answers = [*answers]
        self.seen: list[dict[str, float]] = []

    def replicas(self, observation: Sequence[float]) -> float:
        self.seen.append(dict(zip(FLEET_FIELDS, observation, strict=True)))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize("seed", range(6))
def test_a_fleet_that_keeps_its_size_is_the_plain_cluster_with_the_least_loaded_first(seed: int) -> None:
    trace = small_trace(seed, rate=0.5 + seed)
    fleet = FleetSpec(most=3, first=3, most_outstanding=1000)
    plain = simulate([tiny_replica()] * 3, trace, LeastOutstanding())
    fixed = run(tiny_replica(), fleet, trace, Fixed(3))
    np.testing.assert_array_equal(fixed.finish_s, plain.finish_s)
    np.testing.assert_array_equal(fixed.replica, plain.replica)
    assert fixed.paid_s.sum() == pytest.approx(3 * (fixed.finish_s.max() - fixed.arrival_s[0]))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 999),
    rate=st.floats(0.5, 20.0),
    most=st.integers(1, 5),
    start_s=st.sampled_from([0.0, 0.7, 3.0, 40.0]),
    tick_s=st.sampled_from([0.3, 1.0, 5.0]),
    cap=st.integers(1, 12),
)
def test_nothing_is_lost_or_made_and_no_fleet_is_cheaper_than_the_bound(
    seed: int, rate: float, most: int, start_s: float, tick_s: float, cap: int
) -> None:
    trace = small_trace(seed, rate=rate)
    fleet = FleetSpec(most=most, start_s=start_s, tick_s=tick_s, most_outstanding=cap)
    moods = Moods(seed)
    result = run(tiny_replica(), fleet, trace, moods)
    assert result.paid_s.sum() >= fleet_bound(tiny_replica(), fleet, trace) * (1.0 - 1e-9)
    for seen in moods.seen:
        assert seen["up"] + seen["starting"] + seen["draining"] <= most
        assert seen["outstanding"] <= cap * (seen["up"] + seen["draining"])
        assert 0.0 <= seen["used_share"] <= 1.0
    assert result.starts + fleet.first >= result.drains - result.recalls + result.cancels


def test_random_sizes_start_drain_recall_and_give_up() -> None:
    """Else the test above would prove little."""
    fleet = FleetSpec(most=4, start_s=1.2, tick_s=0.5)
    results = [run(tiny_replica(), fleet, small_trace(seed), Moods(seed)) for seed in range(9)]
    for name in ("starts", "drains", "recalls", "cancels"):
        assert sum(getattr(result, name) for result in results) > 5, name


def test_a_start_takes_its_time_is_paid_for_and_then_takes_what_waits() -> None:
    """One replica with room for one request; the second is asked for at once and up after 5 s."""
    trace = Trace([10.0, 10.0, 10.0], [10] * 3, [60] * 3, [60] * 3)
    script = Script(2.0)
    fleet = FleetSpec(most=2, start_s=0.5, tick_s=4.0, most_outstanding=1)
    result = run(tiny_replica(blocks=200), fleet, trace, script)
    assert result.placed_s[0] == 10.0
    assert result.placed_s[1] == 10.5
    assert result.placed_s[2] == min(result.finish_s[:2])
    assert script.seen[0]["starting"] == 0.0
    assert (result.starts, result.drains) == (1, 0)
    assert result.paid_s.sum() == pytest.approx(2 * (result.finish_s.max() - 10.0))


def test_what_drains_takes_no_more_finishes_and_is_paid_until_then() -> None:
    trace = Trace([0.0, 0.0, 6.0], [10] * 3, [200, 200, 5], [1] * 3)
    fleet = FleetSpec(most=2, first=2, tick_s=1.0)
    result = run(tiny_replica(blocks=200), fleet, trace, Script(2.0, 1.0))
    kept, drained = int(result.replica[2]), 1 - int(result.replica[2])
    assert result.drains == 1
    assert result.finish_s[result.replica == drained].max() > 1.0
    assert result.paid_s[drained] == pytest.approx(result.finish_s[result.replica == drained].max())
    assert result.paid_s[kept] == pytest.approx(result.finish_s.max())


def test_a_drain_is_taken_back_before_anything_starts_and_a_start_is_given_up_before_a_drain() -> None:
    trace = Trace([0.0, 0.0, 9.0], [10] * 3, [200, 200, 5], [1] * 3)
    fleet = FleetSpec(most=3, first=2, start_s=50.0, tick_s=1.0)
    back = run(tiny_replica(blocks=200), fleet, trace, Script(2.0, 1.0, 2.0))
    assert (back.drains, back.recalls, back.starts) == (1, 1, 0)
    given_up = run(tiny_replica(blocks=200), fleet, trace, Script(3.0, 2.0))
    assert (given_up.starts, given_up.cancels, given_up.drains) == (1, 1, 0)
    assert given_up.paid_s.sum() == pytest.approx(2 * given_up.finish_s.max() + 1.0)


def test_what_is_seen_counts_windows_and_broken_promises() -> None:
    arrival = np.concatenate((np.arange(0.0, 100.0, 10.0), [130.0, 131.0]))
    trace = Trace(arrival, np.full(12, 10), np.full(12, 5), np.full(12, 7))
    script = Script(1.0)
    promised = [0.01] * 6 + [100.0] * 6
    simulate_fleet(tiny_replica(), FleetSpec(most=1, tick_s=60.0), trace, promised, script)
    seen = script.seen[2]
    assert seen["now"] == 120.0
    assert (seen["rate_30"], seen["rate_120"], seen["rate_600"]) == (1 / 30, 10 / 120, 10 / 600)
    assert seen["tokens_rate"] == pytest.approx(10 * 17 / 120)
    assert seen["finish_rate"] == pytest.approx(10 / 120)
    assert seen["late_share"] == pytest.approx(0.6)


def tidal(swing: float, seed: int) -> Trace:
    """Three requests a second on average for 15 minutes, in tides of 10."""
    trace = sharegpt_like(1.0, 2700, seed)
    at = np.linspace(0.0, 2000.0, 20_001)
    rate = 3.0 * (1.0 + swing * np.sin(2.0 * np.pi * at / 600.0))
    mass = np.concatenate(([0.0], np.cumsum(0.05 * (rate[1:] + rate[:-1]))))
    return Trace(np.interp(trace.arrival_s, mass, at), trace.prompt_tokens, trace.output_tokens, trace.predicted_output)


@cache
def tides(target: float, start_s: float) -> tuple[float, float]:
    """Return (replica-seconds paid, mean lateness) of tracking ``target`` requests a replica."""
    fleet = FleetSpec(most=10, first=3, start_s=start_s)
    result = run(a10_replica(), fleet, tidal(0.7, 1), Tracking(target))
    return float(result.paid_s.sum()), float(result.late.mean())


def test_a_lag_makes_a_frontier_of_broken_promises_and_spare_replicas() -> None:
    """Higher targets pay less and break more; the longer a start takes, the farther out the frontier lies."""
    targets, lags = (12.0, 20.0, 32.0), (0.0, 40.0, 120.0)
    for lag in lags:
        paid, late = zip(*(tides(target, lag) for target in targets), strict=True)
        assert list(paid) == sorted(paid, reverse=True)
        assert list(late) == sorted(late)
    for target in targets:
        late = [tides(target, lag)[1] for lag in lags]
        assert late == sorted(late)
        assert late[-1] > 10.0 * late[0]
    assert tides(20.0, 0.0) < tides(20.0, 40.0) < tides(20.0, 120.0)


class Foresight(Tracking):
    """Knows how many requests arrive in the 30 s about the end of a start; each stays about 28 s."""

    def __init__(self, target: float, trace: Trace, start_s: float):
        super().__init__(target)
        self.arrival_s, self.start_s = trace.arrival_s, start_s

    def replicas(self, observation: Sequence[float]) -> float:
        begin = observation[0] + self.start_s - 15.0
        coming = float(np.diff(np.searchsorted(self.arrival_s, (begin, begin + 30.0)))[0])
        return max(float(np.ceil(coming / 30.0 * 28.0 / self.target)), super().replicas(observation) / 1.3)


def test_to_know_the_rate_ahead_is_worth_more_the_longer_a_start_takes_and_nothing_where_it_takes_none() -> None:
    """At ten replica-seconds a broken promise, each with the better of two targets."""
    trace, shares = tidal(0.7, 1), []
    for start_s in (0.0, 40.0, 120.0):
        fleet = FleetSpec(most=12, first=3, start_s=start_s)
        costs = []
        for kind in (Tracking, lambda target, start_s=start_s: Foresight(target, trace, start_s)):
            results = [run(a10_replica(), fleet, trace, kind(target)) for target in (18.0, 24.0)]
            costs.append(min(float(each.paid_s.sum() / len(trace) + 10.0 * each.late.mean()) for each in results))
        shares.append(costs[1] / costs[0])
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.95
    assert shares[2] < 0.5


def smallest_fixed(trace: Trace, late: float) -> FleetResult:
    """The smallest fleet of one size whose mean lateness is at most ``late``."""
    for size in range(2, 13):
        fixed = run(a10_replica(), FleetSpec(most=12, first=size), trace, Fixed(size))
        if fixed.late.mean() <= late:
            return fixed
    raise AssertionError("no fleet is large enough")


@pytest.mark.parametrize(("swing", "saves"), [(0.0, False), (0.8, True)])
def test_following_tides_saves_replicas_and_following_a_calm_rate_saves_none(swing: float, saves: bool) -> None:
    """Against fixed fleets that break as few promises; published of autoscalers: up to 40 % of GPU-hours."""
    shares = []
    for trace in (tidal(swing, 2), tidal(swing, 3)):
        tracked = run(a10_replica(), FleetSpec(most=12, first=4, start_s=15.0), trace, Tracking(26.0))
        fixed = smallest_fixed(trace, float(tracked.late.mean()) + 0.01)
        shares.append(float(tracked.paid_s.sum() / fixed.paid_s.sum()))
    assert (np.mean(shares) < 0.9) == saves


def test_answers_are_rounded_and_kept_within_limits_and_nothing_else_is_taken() -> None:
    trace = small_trace(3)
    fleet = FleetSpec(most=3, first=2, tick_s=2.0)
    for answer, taken in ((1e300, 3.0), (-5.0, 1.0), (1.4, 1.0)):
        first, second = (run(tiny_replica(), fleet, trace, Fixed(each)) for each in (answer, taken))
        assert first.digest() == second.digest()
    with pytest.raises(DecisionError, match="replicas must return a number"):
        run(tiny_replica(), fleet, trace, Fixed(float("nan")))


def test_impossible_fleets_promises_and_requests_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="1 <= least <= first <= most"):
        FleetSpec(most=2, first=3)
    with pytest.raises(ValueError, match="tick_s > 0"):
        FleetSpec(most=2, tick_s=0.0)
    trace = small_trace(1, 4)
    with pytest.raises(ValueError, match=r"wrong is request \[2\]"):
        simulate_fleet(tiny_replica(), FleetSpec(most=1), trace, [1.0, 1.0, 0.0, 1.0], Fixed(1))
    with pytest.raises(ValueError, match=r"request 0 .* needs 21 KV blocks"):
        run(tiny_replica(blocks=20), FleetSpec(most=1), Trace([0.0], [40], [44], [1]), Fixed(1))
    with pytest.raises(EventLimitError, match="gave up after 5 events"):
        simulate_fleet(tiny_replica(), FleetSpec(most=1), trace, [1.0] * 4, Fixed(1), event_limit=5)


def test_two_processes_agree_whatever_their_hash_seed() -> None:
    code = (
        "from serving_support import Moods, small_trace, tiny_replica;"
        "from speciate.simulators.serving import FleetSpec, simulate_fleet;"
        "fleet = FleetSpec(most=4, start_s=3.0, tick_s=2.0); trace = small_trace(4);"
        "print(simulate_fleet(tiny_replica(), fleet, trace, [1.0] * len(trace), Moods(4)).digest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "tests"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 32
