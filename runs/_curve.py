"""The progress curve: best score so far against evaluations paid for."""

from collections.abc import Sequence

from speciate.agent import ProgressPoint
from speciate.evaluators import Frozen


class Point(Frozen):
    """A moment at which the best score changed, or the curve's end."""

    evaluations: int
    """Candidates judged so far; duplicates, whose evaluation is reused, left out."""
    score: float
    """Best train score so far."""


def curve_of(progress: Sequence[ProgressPoint]) -> tuple[Point, ...]:
    """Return the improvements in commit order, closed by a point at the last evaluation."""
    points: list[Point] = []
    for commit in progress:
        if commit.best is not None and (not points or commit.best != points[-1].score):
            points.append(Point(evaluations=commit.evaluations, score=commit.best))
    if points and progress[-1].evaluations > points[-1].evaluations:
        points.append(Point(evaluations=progress[-1].evaluations, score=points[-1].score))
    return tuple(points)
