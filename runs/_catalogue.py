"""The installed problems as a table: family, baselines, bound, and the headroom that tuning measured."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from speciate.evaluators import Problem, load_problem, measured_headroom, problem_names

from ._numbers import quantity, table


class Entry(NamedTuple):
    """One problem."""

    name: str
    title: str
    family: str
    kind: str
    version: str
    contenders: int
    """Human designs it ships, controls apart."""
    best: str | None
    """The best of them on the train workloads, as tuned; None where that was not measured."""
    score: float | None
    unit: str
    bounded: bool
    headroom: float | None
    """Mean distance of the best one from the bound, as a share; None where that was not measured."""


def entries() -> list[Entry]:
    """Return the installed problems, sorted by family and name."""
    found = [_entry(name, load_problem(name)) for name in problem_names()]
    return sorted(found, key=lambda entry: (entry.family, entry.name))


def _entry(name: str, problem: Problem[Any]) -> Entry:
    measured = measured_headroom(problem.tuned)
    return Entry(
        name=name,
        title=problem.title,
        family=problem.family,
        kind=problem.kind,
        version=problem.version,
        contenders=sum(not baseline.control for baseline in problem.baselines()),
        best=measured.baseline if measured else None,
        score=measured.score if measured else None,
        unit=problem.objective.unit,
        bounded=type(problem).bound is not Problem.bound,
        headroom=measured.to_bound if measured else None,
    )


def entry_lines(found: Sequence[Entry]) -> list[str]:
    """Return the problems as a table."""
    rows = [
        (
            entry.name,
            entry.family,
            entry.kind,
            str(entry.contenders),
            f"{entry.best} {quantity(entry.score, digits=4)}" if entry.best and entry.score is not None else "-",
            ("-" if entry.headroom is None else f"{entry.headroom:.1%}") if entry.bounded else "no bound",
            entry.title,
        )
        for entry in found
    ]
    header = ("problem", "family", "kind", "baselines", "best of them, on train", "to the bound", "title")
    return table(header, rows, right=(3, 5))
