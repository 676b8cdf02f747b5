"""Which of several designs is best where: what a crossover has to go by."""

from collections.abc import Sequence

from speciate.evaluators import Evaluation, Objective


def letter_of(place: int) -> str:
    """Return the name by which an author is told of a design: ``A`` for the first."""
    return chr(ord("A") + place)


def strengths(evaluations: Sequence[Evaluation], objective: Objective) -> str:
    """Return a line a workload with each design's value and who is the best, and one of their scores.

    >>> parts = [Measurement(workload="w", objective=value) for value in (2.0, 1.0)]
    >>> told = [Evaluation(candidate="", split="train", status=Status.OK, score=part.objective, measurements=(part,))
    ...         for part in parts]
    >>> print(strengths(told, Objective(name="latency", unit="s")))
    score: A 2, B 1; B is best
    w: A 2, B 1; B is best
    """
    tables = [{part.workload: part.objective for part in each.measurements} for each in evaluations]
    shared = [name for name in (tables[0] if tables else ()) if all(name in table for table in tables)]
    rows = [("score", [each.score for each in evaluations])]
    rows += [(name, [table[name] for table in tables]) for name in shared]
    return "\n".join(_row(name, values, objective) for name, values in rows)


def _row(name: str, values: Sequence[float | None], objective: Objective) -> str:
    told = ", ".join(
        f"{letter_of(place)} {'none' if value is None else f'{value:.6g}'}" for place, value in enumerate(values)
    )
    known = [value for value in values if value is not None]
    if not known or len(set(known)) == 1:
        return f"{name}: {told}"
    best = min(known) if objective.direction == "minimize" else max(known)
    winners = [letter_of(place) for place, value in enumerate(values) if value == best]
    return f"{name}: {told}; {' and '.join(winners)} {'is' if len(winners) == 1 else 'are'} best"
