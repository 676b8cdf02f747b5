"""The problem: its objective, guards, descriptors and bound around the serving simulator with prefix caches."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from speciate.evaluators import (
    CandidateFault,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Policy,
    Problem,
    Split,
    Status,
    Workload,
)
from speciate.simulators.serving import (
    PREFIX_REPLICA_FIELDS,
    PREFIX_REQUEST_FIELDS,
    CachingReplica,
    EventLimitError,
    PrefixTrace,
    Result,
    isolated_latencies,
    simulate_prefixes,
)

from .._options import parsed
from ._feedback import Run, feedback
from ._interface import INTERFACE
from ._workloads import PrefixOptions, cluster, trace_of, workloads

P99_GUARD = 1.5
"""p99 time to the first token may be up to this multiple of the yardstick's before the objective is raised."""
TPOT_GUARD = 1.25
"""Likewise for the mean time of the tokens after the first."""
EVENTS_PER_REQUEST = 1000
"""A run is ended beyond this; honest routers take 20 to 60 (long prompts are computed in chunks)."""

_FIRST_ROW = len(PREFIX_REQUEST_FIELDS)
_ROW = len(PREFIX_REPLICA_FIELDS)
_SPEED, _CACHED, _RUNNING, _QUEUED = (
    PREFIX_REPLICA_FIELDS.index(name) for name in ("speed", "cached_tokens", "running", "queued")
)


def problem(options: Mapping[str, str]) -> "PrefixRouting":
    """Return the problem with ``options`` (see ``PrefixOptions``)."""
    return PrefixRouting(parsed(PrefixOptions, options, PrefixRouting.name))


class Yardstick(NamedTuple):
    """What least-outstanding by speed does on a workload, and what no router can pass; seconds."""

    ttft_s: float
    p99_s: float
    tpot_s: float
    bound_s: float


class PrefixRouting(Problem[Policy]):
    """Route requests to replicas that cache prefixes; minimise the guarded mean time to the first token."""

    name = "prefix-routing"
    title = "Routing conversations to replicas that cache prefixes"
    family = "serving"
    objective = Objective(name="guarded mean time to first token", unit="x least outstanding")
    descriptors = (
        Descriptor(
            name="reuse",
            low=0.2,
            high=0.8,
            bins=12,
            unit="share",
            about="prompt tokens taken from caches, of those that an earlier prompt had",
        ),
        Descriptor(
            name="imbalance",
            low=1.0,
            high=4.0,
            bins=12,
            unit="x",
            about="prompt tokens computed for each unit of speed: of the most loaded replica over the mean",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: PrefixOptions):
        self.options = options
        self._yardsticks: dict[str, Yardstick] = {}

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every load with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Simulate the workload with ``policy`` routing."""
        trace = trace_of(self.options, workload)
        replicas = cluster(trace.block_tokens)
        policy.begin(len(replicas))
        watched = Watched(policy)
        try:
            result = simulate_prefixes(replicas, trace, watched, event_limit=EVENTS_PER_REQUEST * len(trace))
        except EventLimitError as error:
            raise CandidateFault(Status.INCORRECT, f"the run did not end: {error}") from error
        result.check()
        yardstick = self._yardstick(workload, trace, replicas)
        objective, metrics = guarded(result, yardstick)
        known = int(trace.known_tokens().sum())
        descriptors = {
            "reuse": float(result.reused_tokens.sum()) / known if known else 0.0,
            "imbalance": imbalance(result),
        }
        run = Run(result, known, np.array(watched.held_elsewhere), objective)
        return Measurement(
            workload=workload.name,
            objective=objective,
            metrics=metrics,
            descriptors=descriptors,
            feedback=feedback(workload, run, metrics, yardstick.bound_s),
        )

    def bound(self, workload: Workload) -> float:
        """Return the bound relative to the yardstick: a replica to oneself, and every known prefix cached in it."""
        trace = trace_of(self.options, workload)
        yardstick = self._yardstick(workload, trace, cluster(trace.block_tokens))
        return yardstick.bound_s / yardstick.ttft_s

    def _yardstick(self, workload: Workload, trace: PrefixTrace, replicas: Sequence[CachingReplica]) -> Yardstick:
        """Return what is known of ``workload`` without a candidate; simulated once a process."""
        if workload.name not in self._yardsticks:
            metrics = simulate_prefixes(replicas, trace, LeastOutstanding()).metrics()
            self._yardsticks[workload.name] = Yardstick(
                metrics["mean_ttft_s"],
                metrics["p99_ttft_s"],
                metrics["mean_tpot_s"],
                float(first_token_bound(replicas, trace).mean()),
            )
        return self._yardsticks[workload.name]


class LeastOutstanding:
    """Least outstanding for each unit of speed, in this process: the yardstick."""

    def place(self, observation: Sequence[float]) -> int:
        """Return the replica with the fewest running and queued requests, the new one counted, by its speed."""
        rows = range(_FIRST_ROW, len(observation), _ROW)
        loads = [
            (observation[row + _RUNNING] + observation[row + _QUEUED] + 1.0) / observation[row + _SPEED] for row in rows
        ]
        return loads.index(min(loads))


class Watched:
    """Passes a policy's answers on, and notes what was cached where it did not place."""

    def __init__(self, policy: Policy):
        self._place = policy.hook("place")
        self.held_elsewhere: list[float] = []
        """For each request the tokens by which the best other cache held more of its prompt than the chosen one."""

    def place(self, observation: Sequence[float]) -> float:
        """Return the policy's answer."""
        answer = self._place(observation)
        cached = observation[_FIRST_ROW + _CACHED :: _ROW]
        self.held_elsewhere.append(max(cached) - cached[int(answer)])
        return answer


def guarded(result: Result, yardstick: Yardstick) -> tuple[float, dict[str, float]]:
    """Return the objective and the metrics, among them the two guards, each 1 where it is kept.

    A guard that is broken raises the objective in proportion, so a search is led back rather than cut off.
    """
    run = result.metrics()
    p99 = max(1.0, run["p99_ttft_s"] / (P99_GUARD * yardstick.p99_s))
    tpot = max(1.0, run["mean_tpot_s"] / (TPOT_GUARD * yardstick.tpot_s)) if yardstick.tpot_s else 1.0
    shown = ("mean_ttft_s", "p99_ttft_s", "mean_tpot_s", "mean_latency_s", "preemptions")
    metrics = {name: run[name] for name in shown} | {"p99_guard": p99, "tpot_guard": tpot}
    return run["mean_ttft_s"] / yardstick.ttft_s * p99 * tpot, metrics


def imbalance(result: Result) -> float:
    """Return the prompt tokens computed per unit of speed: the most loaded replica's over the mean of all."""
    computed = [each.prefill_tokens / spec.speed for each, spec in zip(result.replicas, result.specs, strict=True)]
    return max(computed) / (sum(computed) / len(computed))


def first_token_bound(replicas: Sequence[CachingReplica], trace: PrefixTrace) -> np.ndarray:
    """Return for each request a time to its first token (s) that no router passes, shape (n,).

    Alone on the replica that is best for it, with all cached that any earlier prompt had: within a replica prompts are
    computed in order of arrival, so no later one can have helped it.
    """
    prompt, known = trace.requests.prompt_tokens, trace.known_tokens()
    ones = np.ones_like(prompt)
    return np.asarray(np.min([isolated_latencies(each.spec, prompt, ones, known) for each in replicas], axis=0))
