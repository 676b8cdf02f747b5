"""Do the descriptors measure something, within the range they declare?"""

import math
from collections.abc import Iterable
from typing import Any

from .._contract import Evaluation
from .._problem import Descriptor, Problem
from ._finding import Finding, Note, concluded, does_not_apply, fail, warn
from ._trials import Word, score_of

MOSTLY = 0.5
OFTEN = 0.1
"""Shares of the values outside the declared range that fail the check and that are warned of."""
ENOUGH_DESIGNS = 3


def check_descriptors(problem: Problem[Any], words: Iterable[Word]) -> Finding:
    """Check every value that designs which were judged ok got on every axis."""
    judged = [word for word in words if isinstance(word, Evaluation) and score_of(word) is not None]
    if not problem.descriptors:
        return does_not_apply("descriptors", "the problem has none")
    notes: list[Note] = []
    told = []
    cells = set()
    for axis in problem.descriptors:
        values = [m.descriptors[axis.name] for word in judged for m in word.measurements if axis.name in m.descriptors]
        notes += _range_notes(axis, values)
        if values and all(map(math.isfinite, values)):
            told.append(f"{axis.name} {min(values):.3g} to {max(values):.3g}")
    if not any(note.verdict == "FAIL" for note in notes):
        cells = {tuple(_cell(axis, word.descriptors[axis.name]) for axis in problem.descriptors) for word in judged}
        told.append(f"{len(cells)} cells of {math.prod(axis.bins for axis in problem.descriptors)}")
        if len(cells) == 1 and len(judged) >= ENOUGH_DESIGNS:
            notes.append(
                warn(
                    f"all {len(judged)} designs fall into one cell",
                    "choose descriptors in which known designs differ, or narrow their ranges",
                )
            )
    return concluded("descriptors", ", ".join(told) or "no values", notes)


def _range_notes(axis: Descriptor, values: list[float]) -> list[Note]:
    wrong = [value for value in values if not math.isfinite(value)]
    if wrong:
        return [
            fail(
                f"{axis.name} is {wrong[0]} in {len(wrong)} of {len(values)} measurements",
                "give a finite number always: say what the behaviour is where there is nothing to divide by",
            )
        ]
    if axis.categories and any(value not in range(axis.bins) for value in values):
        odd = next(value for value in values if value not in range(axis.bins))
        return [
            fail(
                f"{axis.name} is {odd:g}, the number of none of its {axis.bins} categories",
                "measure Descriptor.number(category): 0 for the first, 1 for the second, and so on",
            )
        ]
    outside = sum(not axis.low <= value <= axis.high for value in values)
    share = outside / len(values) if values else 0.0
    found = f"{axis.name} is outside its range [{axis.low:g}, {axis.high:g}] in {share:.0%} of the measurements"
    if values:
        found += f" ({min(values):.3g} to {max(values):.3g})"
    advice = "widen the range to where designs fall: what is outside goes to the edge cells"
    if share > MOSTLY:
        return [fail(found, advice)]
    return [warn(found, advice)] if share > OFTEN else []


def _cell(axis: Descriptor, value: float) -> int:
    share = (value - axis.low) / (axis.high - axis.low)
    return min(axis.bins - 1, max(0, math.floor(share * axis.bins)))
