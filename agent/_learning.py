"""The lessons of a run as rows: written every ``EVERY`` commits from what came of them, read as of any commit.

All of it follows from the rows of committed tickets, so a run that was cut off and one that was not, and a replay,
know the same at the same commit. A word on a lesson is never changed: later evidence is a row of its own.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from speciate.evaluators import Problem
from sqlalchemy import func, insert, select

from ._changes import Words, changes
from ._database import Database
from ._lesson_rows import book_of, family_of, inherited_by
from ._lessons import NOTHING, Book, Lesson, Trial, cited_in, lines
from ._outcomes import Outcome, outcomes_of
from ._reflection import words_of, written_in
from ._settings import Lessons
from ._statements import LESSONS

EVERY = 20
"""Commits from one look back to the next."""


class Learning:
    """What one run learns.

    Args:
        database: the archive's.
        run_id: the run.
        problem: whose words changes are told in, and whose family learns from it.
        reach: how far the run's memory goes.
        now: seconds since the epoch, for the rows' time stamps.
    """

    def __init__(
        self,
        database: Database,
        run_id: str,
        problem: Problem[Any],
        reach: Lessons,
        now: Callable[[], float] = time.time,
    ):
        self._database = database
        self._run_id = run_id
        self._family = family_of(problem)
        self._words = Words.of(problem)
        self._reach = reach
        self._now = now
        self._learnt: int | None = None
        self._last: tuple[int, Book] = (-1, NOTHING)

    def book(self, commit: int) -> Book:
        """Return the lessons as of the last look back at or before a commit."""
        point = commit - commit % EVERY
        if self._reach == "off":
            return NOTHING
        if self._last[0] != point:
            with self._database.read() as connection:
                self._last = (point, book_of(connection, self._run_id, point))
        return self._last[1]

    def told(self, commit: int) -> str:
        """Return what an author is told as of a commit, a line each: untrusted, to be quoted; empty for nothing."""
        book = self.book(commit)
        shown = book.shown()
        return lines(book, shown) if shown else ""

    def learn(self, committed: int) -> None:
        """Look back as often as is due after ``committed`` commits. Done again, it does nothing."""
        if self._reach == "off":
            return
        if self._learnt is None:
            self._learnt = self._begun()
        for point in range(self._learnt + EVERY, committed + 1, EVERY):
            self._look_back(point)
            self._learnt = point

    def _begun(self) -> int:
        """Return up to which commit the run has looked back; a new one writes down what it begins with."""
        mine = select(func.max(LESSONS.c.commit)).where(LESSONS.c.run_id == self._run_id)
        with self._database.read() as connection:
            learnt: int | None = connection.execute(mine).scalar()
            inherited = self._reach == "family" and learnt is None
            book = inherited_by(connection, self._run_id, self._family) if inherited else NOTHING.after(0, (), ())
        if learnt is None:
            self._write((lesson, ()) for lesson in book.lessons.values())
        return learnt or 0

    def _look_back(self, point: int) -> None:
        """Write what is to be learnt from the ``EVERY`` commits before ``point``."""
        outcomes = outcomes_of(self._database, self._run_id, point - EVERY, point)
        trials = [trial for outcome in outcomes if (trial := self._trial(outcome)) is not None]
        words = list(self._new_words(outcomes))
        before = self.book(point - EVERY)
        after = before.after(point, trials, [text for text, _ in words])
        told: list[tuple[Lesson, Sequence[int]]] = []
        for number, lesson in after.lessons.items():
            known = before.lessons.get(number)
            # The first is written each time: it says how far the run has looked back.
            if number == 0 or known is None or known.aged(point) != lesson:
                followed = [trial.ticket for trial in trials if lesson.text in trial.changes or number in trial.cited]
                told.append((lesson, [*followed, *(ticket for text, ticket in words if text == lesson.text)]))
        self._write(told)

    def _trial(self, outcome: Outcome) -> Trial | None:
        """Return what an outcome shows; None where child and parent cannot be compared."""
        if outcome.gain is None or outcome.child is None or outcome.parent is None:
            return None
        cited = cited_in(outcome.idea)
        if cited:
            shown = {lesson.number for lesson in self.book(outcome.visible).shown()}
            cited = tuple(number for number in cited if number in shown)
        return Trial(outcome.ticket, outcome.gain, changes(outcome.parent, outcome.child, self._words), cited)

    def _new_words(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, int]]:
        """Yield what authors say to have learnt, and what models made of a look back, with the ticket."""
        tickets = [outcome.ticket for outcome in outcomes]
        reflected = written_in(self._database, self._run_id, tickets[0], tickets[-1]) if tickets else {}
        for outcome in outcomes:
            own = [word for line in outcome.insight.splitlines() for word in words_of(line)]
            for text in (*own, *reflected.get(outcome.ticket, ())):
                yield text, outcome.ticket

    def _write(self, told: Iterable[tuple[Lesson, Sequence[int]]]) -> None:
        now = self._now()
        rows = [
            {
                "run_id": self._run_id,
                "number": lesson.number,
                "commit": lesson.commit,
                "family": self._family,
                "text": lesson.text,
                "kind": lesson.kind,
                "evidence_for": lesson.evidence_for,
                "evidence_against": lesson.evidence_against,
                "gain": lesson.gain,
                "source": list(tickets),
                "created_at": now,
            }
            for lesson, tickets in told
        ]
        with self._database.write() as connection:
            connection.execute(insert(LESSONS), rows)
