"""Reading lessons from their rows: as of a commit, what earlier runs of a family leave a new one, and for a replay."""

from typing import Any

from speciate.evaluators import Problem
from sqlalchemy import Connection, func, insert, or_, select

from ._database import Database
from ._lessons import ANY, FORGOTTEN, INHERITED, Book, Lesson, alike
from ._statements import LESSONS, RUNS

MOST_INHERITED = 100
"""Lessons of each kind that a run begins with, at most."""


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
