"""The problem ``serving-scheduler``, as the judge sees it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import (
    CandidateFault,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Policy,
    Problem,
    RealTest,
    Split,
    Status,
    Workload,
)
from speciate.simulators.serving import (
    EventLimitError,
    Promises,
    ScheduleResult,
    Server,
    Trace,
    schedule_bound,
    simulate_schedule,
)

from .._options import parsed
from ._feedback import feedback
from ._interface import ENGINE, INTERFACE, JOB
from ._workloads import Case, SchedulerOptions, case_of, workloads

STALL_PRICE = 3.0
"""What a second of stalling costs, beside the second that it takes."""
TAIL_GUARD = 2.0
"""The 99th percentile of cost may be up to this multiple of first come first served's before the score is raised."""
EVENTS_PER_REQUEST = 200
"""A run is ended beyond this; honest schedulers take under 20."""


def problem(options: Mapping[str, str]) -> "ServingScheduler":
    """Return the problem with ``options`` (see ``SchedulerOptions``)."""
    return ServingScheduler(parsed(SchedulerOptions, options, ServingScheduler.name))


class Hooks(NamedTuple):
    """A policy's hooks in the shape the simulator calls."""

    rank: Callable[[Sequence[float]], float]
    chunk: Callable[[Sequence[float]], float]
    evict: Callable[[Sequence[float]], float]
    swap: Callable[[Sequence[float]], float]


class Yardstick(NamedTuple):
    """What is known of a workload without any candidate, in promised latencies."""

    mean: float
    """Mean cost of first come first served."""
    p99: float
    """Its 99th percentile."""
    bound: float


class ServingScheduler(Problem[Policy]):
    """Compose the iterations of one LLM-serving engine; keep what requests were promised."""

    name = "serving-scheduler"
    title = "Who joins the next iteration of a serving engine, and who leaves it"
    family = "serving"
    objective = Objective(name="guarded cost", unit="x first come first served")
    descriptors = (
        Descriptor(
            name="document_wait",
            low=0.4,
            high=1.0,
            bins=10,
            unit="share",
            about="mean wait of documents for a first token, by that and the chats': 0.5 treats all alike, 1 lets "
            "chats pass",
        ),
        Descriptor(
            name="preemptions",
            low=0.0,
            high=0.25,
            bins=10,
            unit="per request",
            about="how often a running request is sent back to the line: 0 admits with care",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=40.0, cpu_s=15.0, decision_wall_s=5.0)

    def __init__(self, options: SchedulerOptions):
        self.options = options
        self._yardsticks: dict[str, Yardstick] = {}

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every load with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run the workload's requests with ``policy`` composing the iterations."""
        case = case_of(self.options, workload)
        result = simulated(case.server, case.trace, case.promises, hooks_of(policy))
        result.check()
        yardstick = self._yardstick(workload, case)
        cost = costs(result)
        guard = max(1.0, float(np.percentile(cost, 99)) / (TAIL_GUARD * yardstick.p99))
        metrics = result.metrics() | {"mean_cost": float(cost.mean()), "tail_guard": guard}
        return Measurement(
            workload=workload.name,
            objective=metrics["mean_cost"] * guard / yardstick.mean,
            metrics=metrics,
            descriptors={
                "document_wait": document_wait(case, result),
                "preemptions": float(result.preemptions.mean()),
            },
            feedback=feedback(workload, case, result, metrics),
        )

    def bound(self, workload: Workload) -> float:
        """Return a bound that no schedule passes, relative to first come first served."""
        yardstick = self._yardstick(workload, case_of(self.options, workload))
        return yardstick.bound / yardstick.mean

    def real(self) -> RealTest[Policy]:
        """Return the live testbed: an engine on a small scale, by a clock on which it is as fast as this one."""
        from ._real import SchedulerTest

        return SchedulerTest(self.options.real_seconds)

    def _yardstick(self, workload: Workload, case: Case) -> Yardstick:
        if workload.name not in self._yardsticks:
            cost = costs(simulate_schedule(case.server, case.trace, case.promises, FirstCome()))
            bound = schedule_bound(case.server.replica, case.trace, case.promises)
            self._yardsticks[workload.name] = Yardstick(float(cost.mean()), float(np.percentile(cost, 99)), bound)
        return self._yardsticks[workload.name]


def hooks_of(policy: Policy) -> Hooks:
    """Return the hooks of ``policy``, begun afresh."""
    policy.begin(0)
    return Hooks(*(policy.hook(name) for name in Hooks._fields))


def simulated(server: Server, trace: Trace, promises: Promises, hooks: Hooks) -> ScheduleResult:
    """Return the run of a candidate. Raises CandidateFault where it does not end."""
    try:
        return simulate_schedule(server, trace, promises, hooks, event_limit=EVENTS_PER_REQUEST * len(trace))
    except EventLimitError as error:
        raise CandidateFault(Status.INCORRECT, f"it preempts without end: {error}") from error


class Measured(Protocol):
    """What a run tells of its requests, each of shape (n,), in seconds."""

    @property
    def latency_s(self) -> NDArray[np.float64]:
        """Arrival to last token."""

    @property
    def promised_s(self) -> NDArray[np.float64]:
        """The latency that was promised."""

    @property
    def stall_s(self) -> NDArray[np.float64]:
        """By which its tokens came too late after the one before."""


def costs(result: Measured) -> NDArray[np.float64]:
    """Return what each request cost: latency and priced stalls, in latencies it was promised, shape (n,)."""
    return np.asarray((result.latency_s + STALL_PRICE * result.stall_s) / result.promised_s)


def document_wait(case: Case, result: ScheduleResult) -> float:
    """Return the mean wait of documents for a first token, by that and the chats'; 0.5 where there is one class."""
    means = [result.ttft_s[chosen].mean() for chosen in (case.documents, ~case.documents) if chosen.any()]
    return float(means[0] / sum(means)) if len(means) == 2 else 0.5


class FirstCome:
    """First come first served with full chunks; the last admitted is preempted and recomputed: the yardstick."""

    def rank(self, observation: Sequence[float]) -> float:
        """Order by arrival."""
        return observation[_NOW] - observation[_WAITED]

    def chunk(self, observation: Sequence[float]) -> float:
        """Return all that fits, of who fits."""
        fits = observation[_RESIDENT] > 0.0 or observation[_BLOCKS] <= observation[_FREE]
        return observation[_BUDGET] if fits else 0.0

    def evict(self, observation: Sequence[float]) -> float:
        """Prefer who joined last, and nobody to make room."""
        return -observation[_RESIDENT]

    def swap(self, observation: Sequence[float]) -> float:
        """Recompute."""
        return 0.0


_WAITED, _BLOCKS, _RESIDENT = (JOB.fields.index(name) for name in ("waited", "blocks", "resident"))
_NOW, _FREE, _BUDGET = (len(JOB.fields) + ENGINE.fields.index(name) for name in ("now", "free_blocks", "budget"))
