"""Several objectives: the designs of each niche, and of all, that no other one beats in every one of them.

The search minimises the score alone. What is shown here is computed from the rows of everything it judged.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from speciate.agent import Archive, RunRecord
from speciate.evaluators import Frozen, Measurement, Objective, Problem, Status


class Point(NamedTuple):
    """A design as objectives see it."""

    ticket: int
    values: tuple[float, ...]
    """Minimised."""


class FrontDesign(Frozen):
    """A design on its niche's front."""

    ticket: int
    candidate_id: str
    cell: int
    values: tuple[float, ...]
    """In the order of ``Fronts.objectives`` and in their own directions."""
    overall: bool
    """Whether no design of any niche beats it. Of designs that are equal in every objective it is the earliest."""


class Fronts(Frozen):
    """The fronts of a run whose problem has several objectives."""

    objectives: tuple[Objective, ...]
    """The score first."""
    designs: tuple[FrontDesign, ...]
    """By niche, the best score first."""
    beaten: tuple[tuple[float, ...], ...]
    """Values of the designs that are on no niche's front."""


def fronts_of(archive: Archive, run: RunRecord, problem: Problem[Any]) -> Fronts | None:
    """Return the fronts of everything a run archived; None where the problem has one objective.

    A further objective is the mean of the metric of its name over the train workloads; a design that lacks the metric
    on one of them is left out.
    """
    if not problem.objectives:
        return None
    objectives = (problem.objective, *problem.objectives)
    signs = [-1.0 if objective.direction == "maximize" else 1.0 for objective in objectives]
    judged = archive.evaluations(run.id, purpose="search", split="train", status=Status.OK)
    words = {record.ticket: record.evaluation for record in judged}
    niches: dict[int, list[Point]] = {}
    for entry in archive.insertions(run.id):
        word = words[entry.ticket]
        further = [_mean(word.measurements, objective.name) for objective in problem.objectives]
        known = [value for value in further if value is not None]
        if len(known) == len(further):
            rest = (sign * value for sign, value in zip(signs[1:], known, strict=True))
            niches.setdefault(entry.cell, []).append(Point(entry.ticket, (entry.score, *rest)))
    best = {point.ticket for point in front([point for points in niches.values() for point in points])}

    def own(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(sign * value for sign, value in zip(signs, values, strict=True))

    designs, beaten = [], []
    for cell, points in sorted(niches.items()):
        unbeaten = front(points)
        for point in unbeaten:
            designs.append(
                FrontDesign(
                    ticket=point.ticket,
                    candidate_id=words[point.ticket].candidate,
                    cell=cell,
                    values=own(point.values),
                    overall=point.ticket in best,
                )
            )
        on_front = {point.ticket for point in unbeaten}
        beaten += [own(point.values) for point in points if point.ticket not in on_front]
    return Fronts(objectives=objectives, designs=tuple(designs), beaten=tuple(beaten))


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other dominates, in lexicographic order of their values.

    One point dominates another if it is at least as good in every objective and better in one. Of equal points the
    one with the lowest ticket stays.
    """
    kept: list[Point] = []
    # In this order a point can only be dominated by one before it.
    for point in sorted(points, key=lambda point: (point.values, point.ticket)):
        if not any(all(a <= b for a, b in zip(other.values, point.values, strict=True)) for other in kept):
            kept.append(point)
    return kept


def _mean(measurements: Sequence[Measurement], metric: str) -> float | None:
    values = [each.metrics[metric] for each in measurements if metric in each.metrics]
    whole = len(values) == len(measurements) > 0 and all(map(math.isfinite, values))
    return math.fsum(values) / len(values) if whole else None
