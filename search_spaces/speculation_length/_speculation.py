"""The problem ``speculation-length``, as the judge sees it."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from speciate.evaluators import Descriptor, Limits, Measurement, Objective, Policy, Problem, Split, Workload
from speciate.simulators.decoding import LONGEST, Outcome, least_time, simulate

from .._options import parsed
from ._interface import INTERFACE
from ._workloads import SpeculationOptions, mix_of, waves_of, workloads


def problem(options: Mapping[str, str]) -> "SpeculationLength":
    """Return the problem with ``options`` (see ``SpeculationOptions``)."""
    return SpeculationLength(parsed(SpeculationOptions, options, SpeculationLength.name))


class Hooks(NamedTuple):
    """A policy's hooks in the shape the simulator calls."""

    length: Callable[[Sequence[float]], float]
    width: Callable[[Sequence[float]], float]


class Yardstick(NamedTuple):
    """What is known of a workload without any candidate; times in passes of the target."""

    plain: float
    """Without speculation."""
    bound: float


class SpeculationLength(Problem[Policy]):
    """Draft as much as pays for each sequence of a batch; minimise the time that all waves take."""

    name = "speculation-length"
    title = "How much to draft per step in a batch, with acceptance that changes"
    family = "decoding"
    objective = Objective(name="time", unit="x no speculation")
    descriptors = (
        Descriptor(
            name="length",
            low=0.0,
            high=12.0,
            bins=12,
            unit="tokens",
            about="of a sequence's draft in a step, on average; 0 is no speculation",
        ),
        Descriptor(
            name="waste",
            low=0.0,
            high=1.0,
            bins=10,
            unit="share",
            about="of the drafted tokens, alternatives included, that are thrown away; 0 where nothing is drafted",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: SpeculationOptions):
        self.options = options

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every mix with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Decode the workload's waves with ``policy`` choosing every draft."""
        waves, engine = waves_of(self.options, workload), mix_of(workload).engine
        policy.begin(0)
        outcome = simulate(waves, engine, Hooks(policy.hook("length"), policy.hook("width")))
        yardstick = _yardstick(self.options, workload.model_dump_json())
        drafted, kept = outcome.turns[:, 1] * outcome.turns[:, 2], outcome.turns[:, 3]
        return Measurement(
            workload=workload.name,
            objective=outcome.time / yardstick.plain,
            metrics={
                "speedup": yardstick.plain / outcome.time,
                "tokens_a_turn": outcome.tokens / len(outcome.turns),
                "drafted": float(drafted.mean()),
                "drafting": float(outcome.drafting_time.sum() / outcome.time),
            },
            descriptors={
                "length": float(outcome.turns[:, 1].mean()),
                "waste": float(1.0 - kept.sum() / drafted.sum()) if drafted.any() else 0.0,
            },
            feedback=feedback(workload, outcome, yardstick),
        )

    def bound(self, workload: Workload) -> float:
        """Return the bound of whoever knows which tokens will be accepted, relative to no speculation."""
        yardstick = _yardstick(self.options, workload.model_dump_json())
        return yardstick.bound / yardstick.plain


@lru_cache(maxsize=256)
def _yardstick(options: SpeculationOptions, told: str) -> Yardstick:
    workload = Workload.model_validate_json(told)
    waves, engine = waves_of(options, workload), mix_of(workload).engine
    plain = simulate(waves, engine, Hooks(lambda observed: 0.0, lambda observed: 1.0))
    return Yardstick(plain.time, least_time(waves, engine))


def feedback(workload: Workload, outcome: Outcome, yardstick: Yardstick) -> str:
    """Return a few lines on one run: where the time went, by wave and by what was drafted."""
    step, length, width, accepted, gained = outcome.turns.T
    lines = [
        f"{workload.name}: {outcome.time:.0f} passes, {yardstick.plain:.0f} without speculation; whoever knows what "
        f"will be accepted needs {yardstick.bound:.0f} or more",
        f"{outcome.drafting_time.sum() / outcome.time:.0%} of the time is drafting; a turn drafts {length.mean():.1f} "
        f"tokens deep and {width.mean():.1f} wide and gains {gained.mean():.2f}",
    ]
    for wave in range(int(outcome.wave.max()) + 1):
        steps = outcome.wave == wave
        mine = steps[step]
        lines.append(
            f"wave {wave}, up to {outcome.active[steps].max()} sequences: {outcome.step_time[steps].sum():.0f} passes; "
            f"{length[mine].mean():.1f} deep, {accepted[mine].mean():.2f} accepted, {gained[mine].mean():.2f} gained"
        )
    cuts = [(low, high) for low, high in ((1, 2), (3, 5), (6, LONGEST)) if ((length >= low) & (length <= high)).any()]
    for low, high in cuts:
        mine = (length >= low) & (length <= high)
        lines.append(
            f"drafts of {low} to {high}: {mine.mean():.0%} of the turns, {np.mean(accepted[mine] >= length[mine]):.0%} "
            f"of them kept whole, {np.mean(accepted[mine] == 0):.0%} for nothing"
        )
    return "\n".join(lines)
