"""The problem: its objective, descriptors, guards, bound and brief around the serving simulator."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from speciate.evaluators import (
    CandidateFault,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Policy,
    PolicyProbe,
    ProbeCall,
    Problem,
    RealTest,
    Split,
    Status,
    Workload,
)
from speciate.simulators.serving import (
    EventLimitError,
    Result,
    Router,
    Trace,
    cluster_lower_bound,
    simulate,
)

from .._correlation import spearman
from ._excerpt import excerpt
from ._feedback import feedback
from ._interface import CLUSTER, INTERFACE, REPLICA, REQUEST
from ._options import RouterOptions, Scenario, cluster, parse_options
from ._workloads import trace_of, workloads

P99_GUARD = 2.0
"""p99 latency may be up to this multiple of plain least-outstanding's before the objective is raised."""
WAIT_GUARD = 2.0
"""Likewise for the longest wait for admission: no request may starve."""
EVENTS_PER_REQUEST = 400
"""A run is ended beyond this; honest routers take under 20."""
PROBE_CALLS = 400
PROBE_SEED = 77


def problem(options: Mapping[str, str]) -> "ServingRouter":
    """Return the problem with ``options`` (see ``RouterOptions``)."""
    return ServingRouter(parse_options(options))


class Hooks(NamedTuple):
    """A policy's hooks in the shape the simulator calls."""

    key: Callable[[Sequence[float]], float]
    place: Callable[[Sequence[float]], float]


class Yardstick(NamedTuple):
    """What plain least-outstanding does on a workload: the unit of the objective and of the guards."""

    mean_s: float
    p99_s: float
    max_wait_s: float


class ServingRouter(Problem[Policy]):
    """Route requests to the replicas of an LLM-serving cluster; minimise guarded mean latency."""

    name = "serving-router"
    title = "Request router for an LLM-serving cluster"
    family = "serving"
    version = "1"
    objective = Objective(name="guarded mean latency", unit="s")
    descriptors = (
        Descriptor(
            name="central_wait",
            low=0.0,
            high=1.0,
            bins=10,
            unit="share",
            about="share of all waiting for a first token that is spent in the central queue: 0 pushes, 1 pulls",
        ),
        Descriptor(
            name="size_bias",
            low=-0.2,
            high=0.8,
            bins=10,
            unit="rank correlation",
            about="Spearman correlation of a request's size with its wait: 0 treats all alike, 1 serves small first",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=20.0, cpu_s=8.0, decision_wall_s=5.0)

    def __init__(self, options: RouterOptions):
        self.options = options
        self._replicas = cluster(options.scenario)
        self._yardsticks: dict[str, Yardstick] = {}
        self._bounds: dict[str, float] = {}

    @property
    def tuned(self) -> Path:
        """Constants of the published routers: the user's own, or those tuned for the scenario."""
        return self.options.tuned or self.folder / f"tuned_{self.options.scenario}.toml"

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every load with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Simulate the workload with ``policy`` routing."""
        trace = trace_of(self.options, workload)
        policy.begin(len(self._replicas))
        result = self._simulate(trace, Hooks(policy.hook("key"), policy.hook("place")))
        result.check()
        metrics = result.metrics()
        yardstick = self._yardstick(workload, trace)
        objective, guards = guarded(metrics, yardstick)
        metrics |= guards | {"relative": objective / yardstick.mean_s}
        return Measurement(
            workload=workload.name,
            objective=objective,
            metrics=metrics,
            descriptors={
                "central_wait": metrics["central_wait_share"],
                "size_bias": size_bias(trace, result),
            },
            feedback=feedback(workload, metrics, result, self._replicas),
            trace=excerpt(result),
        )

    def score(self, measurements: Sequence[Measurement]) -> float:
        """Return the mean over workloads of the objective relative to plain least-outstanding's."""
        return sum(m.metrics["relative"] for m in measurements) / len(measurements)

    def bound(self, workload: Workload) -> float:
        """Return the mean latency (s) if every request had the fastest replica to itself."""
        if workload.name not in self._bounds:
            trace = trace_of(self.options, workload)
            limits = cluster_lower_bound(self._replicas, trace.prompt_tokens, trace.output_tokens)
            self._bounds[workload.name] = float(limits.mean())
        return self._bounds[workload.name]

    def brief(self) -> str:
        """Return the task as an inventor reads it."""
        text = files(__package__).joinpath("brief.md").read_text(encoding="utf-8")
        scenario = files(__package__).joinpath(f"brief_{self.options.scenario}.md").read_text(encoding="utf-8")
        return f"{text}\n{scenario}"

    def probe(self) -> PolicyProbe:
        """Return observations met by least-outstanding with a central queue on a short stream of its own."""
        return _probe(self.options.scenario)

    def real(self) -> RealTest[Policy]:
        """Return the live testbed: the scenario's cluster on a small scale."""
        from ._real import RouterTest

        return RouterTest(self.options.scenario, self.options.real_seconds)

    def _simulate(self, trace: Trace, router: Router) -> Result:
        try:
            return simulate(self._replicas, trace, router, event_limit=EVENTS_PER_REQUEST * len(trace.arrival_s))
        except EventLimitError as error:
            raise CandidateFault(Status.INCORRECT, f"the run did not end: {error}") from error

    def _yardstick(self, workload: Workload, trace: Trace) -> Yardstick:
        """Return plain least-outstanding's figures on ``workload``; simulated once a process."""
        if workload.name not in self._yardsticks:
            metrics = simulate(self._replicas, trace, LeastOutstanding()).metrics()
            self._yardsticks[workload.name] = Yardstick(
                metrics["mean_latency_s"], metrics["p99_latency_s"], metrics["max_wait_s"]
            )
        return self._yardsticks[workload.name]


class LeastOutstanding:
    """Plain least outstanding, in this process: the yardstick, and the source of the probe's observations."""

    def key(self, request: Sequence[float]) -> float:
        """Order by arrival."""
        return request[0]

    def place(self, observation: Sequence[float]) -> int:
        """Return the replica with the fewest running and queued requests."""
        rows = range(_FIRST_ROW, len(observation), _ROW)
        loads = [observation[row + _RUNNING] + observation[row + _QUEUED] for row in rows]
        return loads.index(min(loads))


_FIRST_ROW = len(REQUEST.quantities) + len(CLUSTER.quantities)
_ROW = len(REPLICA.quantities)
_RUNNING, _QUEUED = REPLICA.fields.index("running"), REPLICA.fields.index("queued")


def guarded(metrics: Mapping[str, float], yardstick: Yardstick) -> tuple[float, dict[str, float]]:
    """Return the objective (s) and the two guards, each 1 where it is kept.

    A guard that is broken raises the objective in proportion, so a search is led back rather than cut off.
    """
    p99 = max(1.0, metrics["p99_latency_s"] / (P99_GUARD * yardstick.p99_s))
    starvation = max(1.0, metrics["max_wait_s"] / (WAIT_GUARD * yardstick.max_wait_s))
    return metrics["mean_latency_s"] * p99 * starvation, {"p99_guard": p99, "starvation_guard": starvation}


def size_bias(trace: Trace, result: Result) -> float:
    """Return Spearman's rank correlation of size (prompt and output tokens) with the wait for a first token."""
    return spearman(trace.prompt_tokens + trace.output_tokens, result.first_token_s - result.arrival_s)


class _Recorder:
    """Writes down what a router is asked."""

    def __init__(self) -> None:
        self.calls: list[ProbeCall] = []
        self._inner = LeastOutstanding()
        self._asked = 0

    def key(self, request: Sequence[float]) -> float:
        self.calls.append(ProbeCall("key", tuple(request)))
        return request[2]

    def place(self, observation: Sequence[float]) -> int:
        self.calls.append(ProbeCall("place", tuple(observation)))
        self._asked += 1
        # Every third is held, so that the probe sees queues too.
        return -1 if self._asked % 3 == 0 else self._inner.place(observation)


@lru_cache(maxsize=2)
def _probe(scenario: Scenario) -> PolicyProbe:
    options = RouterOptions(scenario=scenario, requests=600)
    replicas = cluster(options.scenario)
    workload = Workload(name="probe", split="train", seed=PROBE_SEED, params={"rate": 6.0, "burst": 1.5})
    recorder = _Recorder()
    simulate(replicas, trace_of(options, workload), recorder)
    stride = max(1, len(recorder.calls) // PROBE_CALLS)
    return PolicyProbe(rows=len(replicas), calls=tuple(recorder.calls[::stride][:PROBE_CALLS]))
