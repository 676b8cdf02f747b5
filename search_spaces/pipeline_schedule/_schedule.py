"""The problem ``pipeline-schedule``, as the judge sees it."""

from collections.abc import Mapping, Sequence

import numpy as np
from speciate.evaluators import (
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Policy,
    Problem,
    Split,
    Workload,
)
from speciate.simulators.training import Iteration, Pipeline, least_period, simulate

from .._options import parsed
from ._interface import INTERFACE
from ._workloads import PipelineOptions, pipeline_of, workloads

FORWARD, BACKWARD, WEIGHT = range(3)


def problem(options: Mapping[str, str]) -> "PipelineSchedule":
    """Return the problem with ``options`` (see ``PipelineOptions``)."""
    return PipelineSchedule(parsed(PipelineOptions, options, PipelineSchedule.name))


class PipelineSchedule(Problem[Policy]):
    """Order the passes of a training iteration on a pipeline under a memory cap; minimise its period."""

    name = "pipeline-schedule"
    title = "The order of forward, backward and weights' passes on a pipeline"
    family = "training"
    objective = Objective(name="iteration period", unit="x no bubbles")
    objectives = (Objective(name="peak", unit="share of the memory"),)
    descriptors = (
        Descriptor(
            name="peak",
            low=0.4,
            high=1.0,
            bins=10,
            unit="share of the memory",
            about="most that a device holds, mean over devices",
        ),
        Descriptor(
            name="lag",
            low=0.0,
            high=4.0,
            bins=12,
            unit="log2 of 1 + micro-batches",
            about="from the end of a backward pass to its weights' pass, in times that a device works on a micro-batch",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: PipelineOptions):
        self.options = options

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every kind of pipeline with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run one iteration with ``policy`` ranking the passes."""
        pipeline = pipeline_of(self.options, workload)
        policy.begin(0)
        iteration = simulate(pipeline, policy.hook("rank"))
        work = pipeline.work_s()
        metrics = {
            "period_s": iteration.period_s,
            "idle": 1.0 - float(work.mean()) / iteration.period_s,
            "peak": float((iteration.peak / pipeline.capacity).mean()),
        }
        return Measurement(
            workload=workload.name,
            objective=iteration.period_s / float(work.max()),
            metrics=metrics,
            descriptors={"peak": metrics["peak"], "lag": float(np.log2(1.0 + lag(pipeline, iteration)))},
            feedback=feedback(workload, pipeline, iteration),
        )

    def bound(self, workload: Workload) -> float:
        """Return the period that filling the devices alone takes, relative to no bubbles: no order passes it."""
        pipeline = pipeline_of(self.options, workload)
        return least_period(pipeline) / float(pipeline.work_s().max())


def lag(pipeline: Pipeline, iteration: Iteration) -> float:
    """Return how long weights' passes are put off, in times that a device works on a micro-batch."""
    put_off = float((iteration.start_s[WEIGHT] - iteration.end_s[BACKWARD]).mean())
    return put_off * pipeline.micro_batches / float(pipeline.work_s().mean())


def feedback(workload: Workload, pipeline: Pipeline, iteration: Iteration) -> str:
    """Return a few lines on one run: which device sets the period, when it idles, and what memory is held."""
    work = pipeline.work_s()
    slowest = int(iteration.span_s.argmax())
    mine = pipeline.device == slowest
    start, end = iteration.start_s[:, mine], iteration.end_s[:, mine]
    moments = [start.min(), start[BACKWARD].min(), end[FORWARD].max(), end.max()]
    names = ("until its first backward pass", "from there to its last forward pass", "after that")
    idle = [_idle(start, end, *moments[each : each + 2]) for each in range(3)]
    told = ", ".join(f"{name} {100 * part / work.max():.1f} %" for name, part in zip(names, idle, strict=True))
    peak = iteration.peak / pipeline.capacity
    bubbles = 100 * (iteration.span_s - work) / work.max()
    together = " (devices end together)" if pipeline.synchronised else ""
    return "\n".join(
        [
            f"{workload.name}: period {iteration.period_s / work.max():.3f} of no bubbles{together}; no order is below "
            f"{least_period(pipeline) / work.max():.3f}",
            f"device {slowest} has the longest span; it idles, by the work of the fullest device: {told}",
            f"idle within their spans, by device: {', '.join(f'{each:.0f} %' for each in bubbles)}; "
            f"work: {', '.join(f'{100 * each / work.max():.0f} %' for each in work)}",
            f"memory at its peak, by device: {', '.join(f'{100 * each:.0f} %' for each in peak)}; weights' passes come "
            f"{lag(pipeline, iteration):.2f} micro-batches after their backward passes",
        ]
    )


def _idle(start: np.ndarray, end: np.ndarray, first: float, last: float) -> float:
    """Return the seconds between two moments in which none of the passes runs; none where ``last`` is not later."""
    busy = np.clip(np.minimum(end, last) - np.maximum(start, first), 0.0, None).sum()
    return max(0.0, last - first - float(busy))
