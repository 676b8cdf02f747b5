"""The problem ``expert-placement``, as the judge sees it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from speciate.evaluators import (
    CandidateFault,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Plan,
    Problem,
    Split,
    Status,
    Workload,
)
from speciate.simulators.moe import Outcome, PlacementError, least_peak, simulate

from .._options import parsed
from ._interface import INTERFACE
from ._workloads import PlacementOptions, loads_of, mix_of, workloads


def problem(options: Mapping[str, str]) -> "ExpertPlacement":
    """Return the problem with ``options`` (see ``PlacementOptions``)."""
    return ExpertPlacement(parsed(PlacementOptions, options, ExpertPlacement.name))


class ExpertPlacement(Problem[Plan]):
    """Place and copy experts for the next window from past loads; minimise its time, moves included."""

    name = "expert-placement"
    title = "Which device holds which experts in the next window"
    family = "moe"
    objective = Objective(name="window time", unit="x perfect balance")
    objectives = (
        Objective(name="balance", unit="mean / highest load", direction="maximize"),
        Objective(name="moved", unit="share of slots"),
        Objective(name="lines", unit="lines run a window"),
    )
    descriptors = (
        Descriptor(
            name="balance",
            low=0.5,
            high=1.0,
            bins=10,
            about="sum of the layers' mean device loads over the sum of their highest, in the windows served",
        ),
        Descriptor(
            name="moved",
            low=0.0,
            high=0.6,
            bins=6,
            unit="share of slots",
            about="weights fetched before a window, the first apart; within a node they count an eighth",
        ),
        Descriptor(
            name="work",
            low=0.0,
            high=5.0,
            bins=5,
            unit="log10 lines",
            about="lines of its own file that the design ran for a window: loops cost, numpy's own do not",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=20.0, cpu_s=5.0, decision_wall_s=2.0)

    def __init__(self, options: PlacementOptions):
        self.options = options

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every mix of loads with every seed."""
        return workloads(self.options, split)

    def measure(self, plan: Plan, workload: Workload) -> Measurement:
        """Serve the workload's windows with what ``plan`` answers before each."""
        cluster, mix = self.options.cluster, mix_of(workload)
        lines = 0

        def planner(past: np.ndarray, placement: np.ndarray, move_cost: float) -> np.ndarray:
            nonlocal lines
            machines = {"devices": cluster.devices, "nodes": cluster.nodes}
            answer = plan(loads=past, placement=placement, move_cost=move_cost, **machines)
            lines += int(answer["lines_run"])
            return answer["place"]

        loads = loads_of(self.options, workload)
        try:
            outcome = simulate(loads, cluster, planner, history=self.options.history, move_cost=mix.move_cost)
        except PlacementError as error:
            raise CandidateFault(Status.INCORRECT, str(error)) from error
        metrics = {
            "balance": outcome.balance,
            "moved": moved_share(outcome),
            "moving_time": outcome.moving,
            "copied": float(outcome.copied.mean()),
            "lines": lines / self.options.windows,
        }
        return Measurement(
            workload=workload.name,
            objective=outcome.time,
            metrics=metrics,
            descriptors={
                "balance": outcome.balance,
                "moved": moved_share(outcome),
                "work": math.log10(max(metrics["lines"], 1.0)),
            },
            feedback=feedback(workload, outcome),
        )

    def bound(self, workload: Workload) -> float:
        """Return the time with the loads known beforehand, any placement, and moves for nothing."""
        served = loads_of(self.options, workload)[self.options.history :]
        mean = served.sum(axis=2) / self.options.devices
        return float((least_peak(served, self.options.cluster).sum(axis=1) / mean.sum(axis=1)).mean())


def moved_share(outcome: Outcome) -> float:
    """Return the mean share of slots that were fetched before a window; the first is free and not counted."""
    return float(outcome.fetched[1:].mean())


def feedback(workload: Workload, outcome: Outcome) -> str:
    """Return a few lines on one run: what packing, drift and moves cost, and in which layers."""
    total = outcome.mean.sum()
    peak, planned, least = (each.sum() / total for each in (outcome.peak, outcome.planned, outcome.least))
    by_layer = outcome.peak.sum(axis=0) / outcome.mean.sum(axis=0)
    worst = int(by_layer.argmax())
    return "\n".join(
        [
            f"{workload.name}: {outcome.time:.3f} of perfect balance; no placement is below {outcome.bound:.3f}",
            f"of the time above 1: {planned - 1:.3f} was there under the loads that were shown last (packing), "
            f"{peak - planned:.3f} came with the next window (drift and noise), {outcome.moving:.3f} is moves "
            f"({100 * moved_share(outcome):.0f} % of the slots a window, all of them cost {outcome.move_cost:g})",
            f"to know the loads beforehand would leave {least - 1:.3f} of it",
            f"layers take from {by_layer.min():.3f} to {by_layer[worst]:.3f} (layer {worst}); "
            f"{100 * outcome.copied.mean():.0f} % of the spare slots hold an expert on one more device",
        ]
    )
