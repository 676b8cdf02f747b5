"""The operator ``tune-constants``: an elite with other numbers, chosen by what its relatives came to. No model.

A draw names the relatives that the run's last tickets tell of; whether they are of the same skeleton shows when they
are read. So the optimiser's state follows from committed rows, and every proposer can have it.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from speciate.evaluators import Candidate, Problem

from ._history import Past
from ._literals import changeable_files, constants_of
from ._proposer import PEERS, ArchiveView, Draw, Task
from ._records import NO_CANDIDATE
from ._tuning import MOST_TRIALS, Trial, tuned

TUNE = "tune-constants"
_ALIKE = frozenset({TUNE, "tune", "perturb", "blend", "diff", "level", "nudge", "drift"})
"""Operators whose children may differ from their parent in numbers alone."""
_MOST_PEERS = MOST_TRIALS + 10


def tuning_draw(view: ArchiveView, parent: int, seed: int) -> Draw:
    """Return the draw of a ticket that tunes the design of ticket ``parent``."""
    return Draw(TUNE, (parent,), seed, extra={PEERS: relatives(view.history, parent)})


def barren(history: Sequence[Past], parent: int) -> bool:
    """Return whether tuning the design of ticket ``parent`` was tried and there was nothing to tune."""
    tried = (past for past in history if past.operator == TUNE and past.outcome == NO_CANDIDATE)
    return any(past.parents[:1] == (parent,) for past in tried)


def relatives(history: Sequence[Past], ticket: int) -> list[int]:
    """Return tickets whose designs may differ from that of ``ticket`` in numbers alone: the best and the latest.

    They are those that a chain of numeric changes leads to, up or down, as far as ``history`` reaches.
    """
    judged = {past.ticket: past for past in history if past.score is not None}
    children: dict[int, list[int]] = {}
    for past in judged.values():
        if past.operator in _ALIKE and past.parents:
            children.setdefault(past.parents[0], []).append(past.ticket)
    family, waiting = {ticket}, [ticket]
    while waiting:
        for near in _near(waiting.pop(), judged, children):
            if near not in family:
                family.add(near)
                waiting.append(near)
    found = sorted(family & judged.keys() - {ticket})
    best = set(sorted(found, key=lambda each: (judged[each].score or 0.0, each))[: _MOST_PEERS // 2])
    late = [each for each in found if each not in best][-(_MOST_PEERS - len(best)) :]
    return sorted([*best, *late])


def _near(ticket: int, judged: dict[int, Past], children: dict[int, list[int]]) -> Iterator[int]:
    past = judged.get(ticket)
    if past is not None and past.operator in _ALIKE and past.parents:
        yield past.parents[0]
    yield from children.get(ticket, ())


class Tuner:
    """Writes what ``tuning_draw`` drew, for one problem.

    Args:
        problem: says which files may change, and which way is better.
    """

    def __init__(self, problem: Problem[Any]):
        self._changeable = changeable_files(problem.seed())
        self._sign = -1.0 if problem.objective.direction == "maximize" else 1.0

    def child(self, task: Task) -> Candidate | None:
        """Return the first parent with other numbers; None where there is no parent, or it has none."""
        if not task.parents:
            return None
        parent = task.parents[0]
        constants = constants_of(parent.candidate, self._changeable)
        trials = []
        for each in sorted((parent, *task.peers), key=lambda each: each.ticket):
            theirs, score = constants_of(each.candidate, self._changeable), each.evaluation.score
            if score is not None and theirs.skeleton == constants.skeleton:
                trials.append(Trial(theirs.values, self._sign * score))
        values = tuned(constants, trials, Random(task.draw.seed))
        return constants.written(values) if values is not None else None
