"""A function to be approximated in a few float32 operations, judged on all float32 numbers of an interval."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from speciate.evaluators import (
    Descriptor,
    Formula,
    FormulaInterface,
    Frozen,
    Measurement,
    Objective,
    Problem,
    ProblemError,
    Split,
    Workload,
)

from ._errors import Errors, Slice, least_error
from ._inputs import Chunk, Inputs, Part

SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 2), "validation": (101, 2), "heldout": (8001, 16)}
"""First seed and number of seeds: each is a part of the inputs. Those of held-out are all of them together."""
THINNER = 64
"""By how much fewer inputs of a tail a search looks at."""
_SLICES = 12
"""Lines of feedback on where the errors are."""
_PLACES = 6
"""Bins of where the largest error is."""


class Sampling(Frozen):
    """How many inputs a search looks at: every so many-th block."""

    every: int
    """Of train and validation; more than the seeds of both together, so that their parts differ."""


class NumericFunction(Problem[Formula]):
    """One function on one interval, in at most so many operations; minimise its largest error in ULP.

    A problem gives ``name``, ``title``, ``interface``, ``inputs`` and ``sampling``.
    """

    family = "numerics"
    objective = Objective(name="largest error", unit="ULP")
    objectives = (Objective(name="operations", unit="operations"),)
    interface: FormulaInterface
    inputs: ClassVar[Inputs]
    sampling: ClassVar[Sampling]

    def __init__(self) -> None:
        most = self.interface.operations
        low, high = self.inputs.ends
        self.descriptors = (
            _count("operations", most, "of the formula; a division counts four"),
            _count("chain", most, "the same of those that wait for one another"),
            Descriptor(name="worst at", low=low, high=high, bins=_PLACES, about="the input with the largest error"),
        )

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's parts of the inputs. Those of train and validation differ; held-out has all there are."""
        first, count = SEEDS[split]
        every = count if split == "heldout" else self.sampling.every
        shift = count if split == "validation" else 0
        return tuple(
            Workload(
                name=f"{split}/part{number + shift}of{every}",
                split=split,
                seed=first + number,
                params={"part": number + shift, "of": every},
            )
            for number in range(count)
        )

    def measure(self, formula: Formula, workload: Workload) -> Measurement:
        """Reckon the formula on every input of the workload's part, and compare with what is right."""
        if workload.split == "heldout":
            # As many numbers as there are would not be kept; they are looked at once.
            errors = Errors(formula, self.inputs.chunks(_part(workload)))
        else:
            errors = Errors(formula, _kept(self.inputs, _part(workload)))
        return Measurement(
            workload=workload.name,
            objective=errors.largest,
            metrics={
                "operations": float(formula.operations),
                "mean_error": errors.mean,
                "bias": errors.bias,
                "right": errors.right,
                "breaks": errors.breaks,
            },
            descriptors={
                "operations": float(formula.operations),
                "chain": float(formula.chain),
                "worst at": errors.at,
            },
            feedback=feedback(workload, formula, errors),
        )

    def score(self, measurements: Sequence[Measurement]) -> float:
        """Return the largest error of all."""
        return max(measurement.objective for measurement in measurements)

    def describe(self, measurements: Sequence[Measurement]) -> dict[str, float]:
        """Return the descriptors of the part with the largest error."""
        return dict(max(measurements, key=lambda each: each.objective).descriptors)

    def bound(self, workload: Workload) -> float:
        """Return the largest error of the nearest float32 numbers, a little less than half an ULP."""
        return _bound(self.inputs, _part(workload))


def only(problem: type[NumericFunction], options: Mapping[str, str]) -> NumericFunction:
    """Return the problem. Raises ProblemError for options: there are none."""
    if options:
        raise ProblemError(f"{problem.name}: expected no options, got {', '.join(sorted(options))}")
    return problem()


def _count(name: str, most: int, about: str) -> Descriptor:
    """Return the axis of a whole number from 0 on, each a bin."""
    return Descriptor(name=name, low=-0.5, high=most + 0.5, bins=most + 1, about=about)


def _part(workload: Workload) -> Part:
    thinner = 1 if workload.split == "heldout" else THINNER
    return Part(int(workload.params["part"]), int(workload.params["of"]), thinner)


@lru_cache(maxsize=4)
def _kept(inputs: Inputs, part: Part) -> tuple[Chunk, ...]:
    """Return the chunks of a part that is looked at again and again: some 30 MB."""
    return tuple(inputs.chunks(part))


@lru_cache(maxsize=64)
def _bound(inputs: Inputs, part: Part) -> float:
    return least_error(inputs.chunks(part))


def feedback(workload: Workload, formula: Formula, errors: Errors) -> str:
    """Return a few lines on one run: what there is to gain, and where the errors are."""
    lines = [
        f"{workload.name}: at most {errors.largest:.4f} ULP off, at x = {errors.at!r}; no formula is below 0.5",
        f"{formula.operations} operations, {formula.chain} of them in a chain; mean error {errors.mean:.4f} ULP, "
        f"with its sign {errors.bias:+.4f}; {errors.right:.1%} of the answers are the nearest float32 numbers",
        "worst error, and mean with its sign, by part of the interval:",
    ]
    ordered = sorted(errors.slices)
    size = -(-len(ordered) // _SLICES)
    for group in (ordered[at : at + size] for at in range(0, len(ordered), size)):
        worst = max((each.worst for each in group), key=abs)
        mean = sum(each.mean for each in group) / len(group)
        lines.append(f"{_span(group)}: {worst:+.3f} ULP, {mean:+.3f}")
    return "\n".join(lines)


def _span(group: Sequence[Slice]) -> str:
    return f"{min(each.low for each in group):.4g} to {max(each.high for each in group):.4g}"
