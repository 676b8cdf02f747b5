"""What has been reached on each train workload as of a commit: by the starting designs, and by any design.

An author learns more from where its parent is behind than from what it scored. Read from the rows, a few at a time.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, NamedTuple

from speciate.evaluators import Problem
from sqlalchemy import select

from ._archive import GIVEN
from ._database import Database
from ._statements import EVALUATIONS, MEASUREMENTS, TICKETS

TOTAL = ""
"""Stands for all workloads together: what was reached in the score itself."""


class Yardstick(NamedTuple):
    """What was reached on one workload, in the problem's own unit."""

    given: float | None
    """By the best of the designs that the run started from; None where none was judged ok."""
    best: float | None
    """By the best of all designs, which need not be the same one on every workload."""
    limit: float | None = None
    """What no design can pass, as far as that is proven: how much there is to gain at most."""


class Yardsticks:
    """The yardsticks of one run.

    Args:
        database: the archive's.
        run_id: the run.
        problem: says whether more is better, and what no design can pass.
    """

    def __init__(self, database: Database, run_id: str, problem: Problem[Any]):
        self._database = database
        self._run_id = run_id
        self._problem = problem
        self._sign = -1.0 if problem.objective.direction == "maximize" else 1.0
        self._limits: Mapping[str, float | None] | None = None
        self._read = 0
        self._best: dict[str, _Stairs] = {}
        self._given: dict[str, _Stairs] = {}

    def at(self, visible: int) -> Mapping[str, Yardstick]:
        """Return what had been reached after ``visible`` commits, by workload and in ``TOTAL``.

        The same whenever it is asked: later commits do not change it.
        """
        self._read_up_to(visible)
        found = {}
        for workload, stairs in self._best.items():
            given = self._given[workload].at(visible) if workload in self._given else None
            best = stairs.at(visible)
            if best is not None:
                sign, limit = self._sign, self._limit(workload)
                found[workload] = Yardstick(None if given is None else sign * given, sign * best, limit)
        return found

    def _limit(self, workload: str) -> float | None:
        """Return a workload's bound; all are computed when the first is asked for, since that may take a while."""
        if self._limits is None:
            self._limits = {each.name: self._problem.bound(each) for each in self._problem.workloads("train")}
        return self._limits.get(workload)

    def _read_up_to(self, visible: int) -> None:
        """Take in the designs of the tickets that were committed since: those below ``visible`` are all there."""
        if visible <= self._read:
            return
        word, part = EVALUATIONS.c, MEASUREMENTS.c
        query = (
            select(word.ticket, TICKETS.c.proposer, word.score, part.workload, part.objective)
            .join(TICKETS, (TICKETS.c.run_id == word.run_id) & (TICKETS.c.number == word.ticket))
            .join(MEASUREMENTS, part.evaluation_id == word.id)
            .where(word.run_id == self._run_id, word.ticket >= self._read, word.ticket < visible)
            .where(word.purpose == "search", word.split == "train", word.status == "ok")
            .order_by(word.ticket)
        )
        with self._database.read() as connection:
            for row in connection.execute(query.execution_options(yield_per=1000)):
                for workload, value in ((row.workload, row.objective), (TOTAL, row.score)):
                    self._best.setdefault(workload, _Stairs()).step(row.ticket, self._sign * value)
                    if row.proposer == GIVEN:
                        self._given.setdefault(workload, _Stairs()).step(row.ticket, self._sign * value)
        self._read = visible


class _Stairs:
    """The least of a growing sequence as of any point of it: only the steps down are kept."""

    def __init__(self) -> None:
        self._tickets: list[int] = []
        self._values: list[float] = []

    def step(self, ticket: int, value: float) -> None:
        if not self._values or value < self._values[-1]:
            self._tickets.append(ticket)
            self._values.append(value)

    def at(self, visible: int) -> float | None:
        steps = bisect_left(self._tickets, visible)
        return self._values[steps - 1] if steps else None
