"""Several objectives: the designs of each niche, and of all, that no other one beats in every one of them.

Computed from the rows of everything a run judged: what its archive kept for parents is bounded, and this is not.
"""

from collections.abc import Sequence
from typing import Any

from speciate.agent import Archive, Elite, RunRecord
from speciate.agent._fronts import further_of, unbeaten, values_of
from speciate.evaluators import Frozen, Objective, Problem, Status


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
    niches: dict[int, list[Elite]] = {}
    for entry in archive.insertions(run.id):
        further = further_of(problem, words[entry.ticket])
        if further:
            niches.setdefault(entry.cell, []).append(Elite(entry.ticket, entry.cell, entry.score, further))
    best = {design.ticket for design in unbeaten([design for designs in niches.values() for design in designs])}

    def own(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(sign * value for sign, value in zip(signs, values, strict=True))

    designs, beaten = [], []
    for cell, found in sorted(niches.items()):
        front = unbeaten(found)
        for design in front:
            designs.append(
                FrontDesign(
                    ticket=design.ticket,
                    candidate_id=words[design.ticket].candidate,
                    cell=cell,
                    values=own(values_of(design)),
                    overall=design.ticket in best,
                )
            )
        on_front = {design.ticket for design in front}
        beaten += [own(values_of(design)) for design in found if design.ticket not in on_front]
    return Fronts(objectives=objectives, designs=tuple(designs), beaten=tuple(beaten))
