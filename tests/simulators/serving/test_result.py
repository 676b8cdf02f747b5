"""Metrics, the laws a result must keep, and the digest."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from serving_support import LeastOutstanding, RoundRobin, small_trace, tiny_replica
from speciate.simulators.serving import (
    CLUSTER_FIELDS,
    REPLICA_FIELDS,
    REQUEST_FIELDS,
    ConservationError,
    Result,
    Trace,
    cluster_lower_bound,
    isolated_latencies,
    observation_width,
    simulate,
)


def some_result() -> Result:
    return simulate((tiny_replica(), tiny_replica().scaled(0.5)), small_trace(5, rate=3.0), LeastOutstanding())


def test_the_layout_of_an_observation_is_fixed() -> None:
    assert REQUEST_FIELDS == ("arrival", "waited", "prompt_tokens", "predicted_output", "prompt_blocks")
    assert CLUSTER_FIELDS == ("now", "queue_length", "queue_tokens")
    assert REPLICA_FIELDS[:7] == (
        "index",
        "speed",
        "total_blocks",
        "used_blocks",
        "free_blocks",
        "reserved_blocks",
        "running",
    )
    assert REPLICA_FIELDS[7:] == (
        "queued",
        "prefill_tokens",
        "decode_tokens",
        "context_tokens",
        "iteration_s",
        "peak_blocks",
        "preemptions",
    )
    assert observation_width(4) == 64


def test_what_is_observed_does_not_depend_on_the_true_length() -> None:
    """Until a request finishes or outgrows what another would, no router can tell them apart."""

    class Watch(RoundRobin):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[list[float]] = []

        def place(self, observation: object) -> int:
            assert isinstance(observation, list)
            assert all(type(value) is float for value in observation)
            self.seen.append(observation)
            return 0

    def seen(output: int) -> list[list[float]]:
        router = Watch()
        simulate([tiny_replica()], Trace([0.0, 0.1, 0.15], [10] * 3, [output] * 3, [7] * 3), router)
        return router.seen

    assert seen(30) == seen(60)


def test_metrics_of_a_run_worked_out_by_hand() -> None:
    replica = tiny_replica()
    result = simulate([replica], Trace([0.0, 100.0], [10, 20], [1, 3], [1, 3]), RoundRobin())
    alone = isolated_latencies(replica, [10, 20], [1, 3])
    metrics = result.metrics()
    assert result.latency_s == pytest.approx(alone)
    assert metrics["mean_latency_s"] == pytest.approx(alone.mean())
    assert metrics["max_latency_s"] == pytest.approx(alone.max())
    assert metrics["mean_tpot_s"] == pytest.approx((result.finish_s - result.first_token_s)[1] / 2)
    assert metrics["mean_slowdown"] == pytest.approx(1.0)
    assert metrics["makespan_s"] == pytest.approx(100.0 + alone[1])
    assert metrics["requests_per_s"] == pytest.approx(2 / (100.0 + alone[1]))
    assert metrics["output_tokens_per_s"] == pytest.approx(4 / (100.0 + alone[1]))
    assert (metrics["central_wait_share"], metrics["mean_wait_s"], metrics["preemptions"]) == (0.0, 0.0, 0.0)
    assert (metrics["iterations"], metrics["keys"], metrics["places"], metrics["forced"]) == (4.0, 2.0, 2.0, 0.0)


def test_metrics_are_finite_and_consistent_under_load() -> None:
    result = some_result()
    metrics = result.metrics()
    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["p50_latency_s"] <= metrics["p99_latency_s"] <= metrics["max_latency_s"]
    assert metrics["mean_ttft_s"] <= metrics["mean_latency_s"]
    assert metrics["mean_slowdown"] > 1.0
    assert metrics["preemptions"] == result.preemptions.sum() > 0
    assert 0.0 <= metrics["central_wait_share"] <= 1.0
    bound = cluster_lower_bound(result.specs, result.trace.prompt_tokens, result.trace.output_tokens)
    assert np.all(bound <= result.latency_s)


def spoil(name: str, request: int, value: float) -> Callable[[Result], None]:
    def change(result: Result) -> None:
        getattr(result, name)[request] = value

    return change


def spoil_total(**change: int | bool) -> Callable[[Result], None]:
    def changed(result: Result) -> None:
        result.replicas = (replace(result.replicas[0], **change), *result.replicas[1:])

    return changed


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (spoil("finish_s", 3, -1.0), "request 3: finish at -1.0 s before first token"),
        (spoil("placed_s", 2, -1.0), "request 2: placement at -1.0 s before arrival"),
        (spoil("first_token_s", 4, float("nan")), "request 4: first token at nan s before admission"),
        (spoil("replica", 0, 9), "never placed"),
        (spoil("preemptions", 0, 99), "preemptions of requests and of replicas differ"),
        (spoil("replica", 0, 1), "replica 0 was given"),
        (spoil_total(output_tokens=1), "computed"),
        (spoil_total(recomputed_tokens=1), "was given"),
        (spoil_total(max_used_blocks=41), "used 41 of 40 blocks"),
        (spoil_total(emptied=False), "replica 0 ended with"),
    ],
)
def test_a_result_that_breaks_a_law_is_refused(fault: Callable[[Result], None], message: str) -> None:
    result = some_result()
    result.check()
    result.replica[0] = 0 if "given" not in message else result.replica[0]
    fresh = some_result()
    fault(fresh)
    with pytest.raises(ConservationError, match=message):
        fresh.check()


def test_a_result_faster_than_light_is_refused() -> None:
    result = simulate([tiny_replica()], Trace([0.0], [10], [9], [9]), RoundRobin())
    result.finish_s *= 0.99
    with pytest.raises(ConservationError, match=r"less than the .* it takes alone"):
        result.check()


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from serving_support import HeadRoom, sharegpt_like
from speciate.simulators.serving import mixed_speed_cluster, simulate
print(simulate(mixed_speed_cluster(), sharegpt_like(6.0, 400, 1), HeadRoom()).digest())
"""


def test_equal_runs_have_equal_digests_in_any_process() -> None:
    tests = next(path for path in sys.path if os.path.isdir(os.path.join(path, "serving_support")))
    digests = set()
    for seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PROGRAM.format(tests=tests)]
        digests.add(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 32


def test_digests_tell_runs_apart() -> None:
    one = some_result()
    other = simulate(one.specs, one.trace, RoundRobin())
    assert one.digest() == some_result().digest() != other.digest()
    one.finish_s[0] = np.nextafter(one.finish_s[0], np.inf)
    assert one.digest() != some_result().digest()
