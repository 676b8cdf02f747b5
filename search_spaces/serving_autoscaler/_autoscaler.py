"""The problem ``serving-autoscaler``, as the judge sees it."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

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
    EventLimitError,
    FleetResult,
    Scaler,
    fleet_bound,
    simulate_fleet,
)

from .._options import parsed
from ._feedback import feedback
from ._interface import FLEET, INTERFACE
from ._workloads import AutoscalerOptions, Case, case_of, workloads

LATE_S = 10.0
"""Replica-seconds that a promise is worth: what a request costs that takes twice what it was promised."""
EVENTS_PER_REQUEST = 400
"""A run is ended beyond this; honest scalers take under 20."""


def problem(options: Mapping[str, str]) -> "ServingAutoscaler":
    """Return the problem with ``options`` (see ``AutoscalerOptions``)."""
    return ServingAutoscaler(parsed(AutoscalerOptions, options, ServingAutoscaler.name))


class Hooks(NamedTuple):
    """A policy's hook in the shape the simulator calls."""

    replicas: Callable[[Sequence[float]], float]


class Yardstick(NamedTuple):
    """What is known of a workload without any candidate, in replica-seconds a request."""

    tracking: float
    """Cost of plain target tracking."""
    bound: float


class ServingAutoscaler(Problem[Policy]):
    """Choose how many replicas there are; pay for them and for promises that are broken."""

    name = "serving-autoscaler"
    title = "How many replicas of a serving engine, where starting one takes time"
    family = "serving"
    objective = Objective(name="replicas and broken promises", unit="x plain target tracking")
    descriptors = (
        Descriptor(
            name="provision",
            low=1.0,
            high=8.0,
            bins=10,
            unit="x bound",
            about="replica-seconds paid for, by the least that the requests could take: low runs hot, high keeps spare",
        ),
        Descriptor(
            name="starts",
            low=0.0,
            high=100.0,
            bins=10,
            unit="an hour",
            about="replicas started: 0 keeps its fleet, high follows every change",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=40.0, cpu_s=15.0, decision_wall_s=5.0)

    def __init__(self, options: AutoscalerOptions):
        self.options = options
        self._yardsticks: dict[str, Yardstick] = {}

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every shape with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run the workload's requests with ``policy`` choosing the size of the fleet."""
        case = case_of(self.options, workload)
        policy.begin(0)
        try:
            result = run(case, Hooks(policy.hook("replicas")))
        except EventLimitError as error:
            raise CandidateFault(Status.INCORRECT, f"the run did not end: {error}") from error
        result.check()
        yardstick = self._yardstick(workload, case)
        metrics = result.metrics() | {"cost_s": cost_s(result)}
        return Measurement(
            workload=workload.name,
            objective=metrics["cost_s"] / yardstick.tracking,
            metrics=metrics,
            descriptors={
                "provision": metrics["paid_s"] / len(case.trace) / yardstick.bound,
                "starts": metrics["starts_per_hour"],
            },
            feedback=feedback(workload, case, result, LATE_S),
        )

    def bound(self, workload: Workload) -> float:
        """Return the least replica-seconds the requests could take, relative to plain target tracking's cost."""
        yardstick = self._yardstick(workload, case_of(self.options, workload))
        return yardstick.bound / yardstick.tracking

    def _yardstick(self, workload: Workload, case: Case) -> Yardstick:
        if workload.name not in self._yardsticks:
            bound = fleet_bound(case.replica, case.fleet, case.trace) / len(case.trace)
            self._yardsticks[workload.name] = Yardstick(cost_s(run(case, TargetTracking())), bound)
        return self._yardsticks[workload.name]


def run(case: Case, scaler: Scaler) -> FleetResult:
    """Simulate a case. Raises EventLimitError."""
    limit = EVENTS_PER_REQUEST * len(case.trace)
    return simulate_fleet(case.replica, case.fleet, case.trace, case.promised_s.tolist(), scaler, event_limit=limit)


def cost_s(result: FleetResult) -> float:
    """Return replica-seconds a request: paid, and priced for promises that were broken."""
    return float(result.paid_s.sum()) / len(result.trace) + LATE_S * float(result.late.mean())


class TargetTracking:
    """So many replicas that each has 20 requests: the yardstick."""

    def replicas(self, observation: Sequence[float]) -> float:
        """Return requests in the system by 20, rounded up."""
        return ceil((observation[_WAITING] + observation[_OUTSTANDING]) / 20.0)


_WAITING, _OUTSTANDING = (FLEET.fields.index(name) for name in ("waiting", "outstanding"))
