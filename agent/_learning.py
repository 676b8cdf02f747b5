"""The lessons of a run as rows: written every ``EVERY`` commits from what came of them, read as of any commit.

All of it follows from the rows of committed tickets, so a run that was cut off and one that was not, and a replay,
know the same at the same commit. A word on a lesson is never changed: later evidence is a row of its own.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from speciate.evaluators import Problem
from sqlalchemy import Connection, func, insert, or_, select

from ._changes import Words, changes
from ._database import Database
from ._lessons import ANY, FORGOTTEN, INHERITED, NOTHING, Book, Lesson, Trial, alike, cited_in
from ._outcomes import Outcome, outcomes_of
from ._reflection import words_of, written_in
from ._settings import Lessons
from ._statements import LESSONS, RUNS

EVERY = 20
"""Commits from one look back to the next."""
MOST_INHERITED = 100
"""Lessons of each kind that a run begins with, at most."""


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


def family_of(problem: Problem[Any]) -> str:
    """Return the name under which problems learn from each other: the problem's own where it has no family."""
    return (problem.family or problem.name)[:64]


def book_of(connection: Connection, run_id: str, point: int | None = None) -> Book:
    """Return a run's lessons as of a commit where it looked back; as of the last one if none is given."""
    mine = LESSONS.c.run_id == run_id
    if point is None:
        point = connection.execute(select(func.max(LESSONS.c.commit)).where(mine)).scalar() or 0
    then = mine & (LESSONS.c.commit <= point)
    recent = or_(LESSONS.c.commit > point - FORGOTTEN, LESSONS.c.number == 0)
    latest = select(func.max(LESSONS.c.id)).where(then, recent).group_by(LESSONS.c.number)
    columns = [LESSONS.c[name] for name in Lesson._fields]
    rows = connection.execute(select(*columns).where(LESSONS.c.id.in_(latest)).order_by(LESSONS.c.number)).all()
    highest = connection.execute(select(func.max(LESSONS.c.number)).where(then)).scalar()
    lessons = {row.number: Lesson(*row).aged(point) for row in rows}
    return Book(lessons, point, 0 if highest is None else highest + 1)


def inherited_by(connection: Connection, run_id: str, family: str) -> Book:
    """Return what a new run begins with: what the other runs of a family learnt, replays of them apart."""
    tellers = select(LESSONS.c.run_id).where(LESSONS.c.family == family, LESSONS.c.run_id != run_id)
    runs = select(RUNS.c.id, RUNS.c.environment).where(RUNS.c.id.in_(tellers))
    sums: dict[str, Lesson] = {ANY: Lesson(0, "change", ANY)}
    words: list[Lesson] = []
    for row in connection.execute(runs.order_by(RUNS.c.created_at.desc(), RUNS.c.id)).all():
        if "replay_of" in row.environment:
            continue
        book = book_of(connection, row.id)
        for lesson in book.lessons.values():
            if lesson.kind == "change":
                sums[lesson.text] = _sum(sums.get(lesson.text, lesson.weighed(0.0)), lesson)
            elif not book.contradicted(lesson) and not any(alike(lesson.text, other.text) for other in words):
                words.append(lesson)
    first, *counted = sums.values()
    counted.sort(key=lambda lesson: (-lesson.evidence, lesson.text))
    words.sort(key=lambda lesson: (-lesson.evidence_for, lesson.text))
    kept = [first, *counted[:MOST_INHERITED], *words[:MOST_INHERITED]]
    numbered = {n: lesson.weighed(INHERITED)._replace(number=n, commit=0) for n, lesson in enumerate(kept)}
    return Book(numbered, 0, len(numbered))


def _sum(one: Lesson, other: Lesson) -> Lesson:
    return one._replace(
        evidence_for=one.evidence_for + other.evidence_for,
        evidence_against=one.evidence_against + other.evidence_against,
        gain=one.gain + other.gain,
    )


def copy_beginning(source: tuple[Database, str], target: tuple[Database, str]) -> None:
    """Copy what a run began with into a replay of it: other runs may have learnt more since."""
    (held, run_id), (into, new_id) = source, target
    columns = [column for column in LESSONS.c if column.name != "id"]
    with held.read() as connection:
        query = select(*columns).where(LESSONS.c.run_id == run_id, LESSONS.c.commit == 0).order_by(LESSONS.c.number)
        rows = [dict(row) | {"run_id": new_id} for row in connection.execute(query).mappings()]
    if rows:
        with into.write() as connection:
            connection.execute(insert(LESSONS), rows)
