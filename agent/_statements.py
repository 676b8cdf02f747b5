"""The statements of a search, built once: to build one anew costs several times what SQLite needs to run it.

They name tables and not mapped classes, since the ORM's own compilation of an insert is the dearest part of it.
"""

from typing import cast

from sqlalchemy import Table, bindparam, func, insert, select, update

from ._tables import (
    CandidateRow,
    EvaluationRow,
    Insertion,
    LessonRow,
    MeasurementRow,
    Reply,
    Request,
    Run,
    Source,
    Ticket,
)

RUNS = cast(Table, Run.__table__)
TICKETS = cast(Table, Ticket.__table__)
SOURCES = cast(Table, Source.__table__)
CANDIDATES = cast(Table, CandidateRow.__table__)
EVALUATIONS = cast(Table, EvaluationRow.__table__)
MEASUREMENTS = cast(Table, MeasurementRow.__table__)
INSERTIONS = cast(Table, Insertion.__table__)
REQUESTS = cast(Table, Request.__table__)
REPLIES = cast(Table, Reply.__table__)
LESSONS = cast(Table, LessonRow.__table__)

ADD_TICKET = insert(TICKETS)
ADD_SOURCE = insert(SOURCES)
ADD_CANDIDATE = insert(CANDIDATES)
ADD_EVALUATION = insert(EVALUATIONS).returning(EVALUATIONS.c.id)
ADD_MEASUREMENT = insert(MEASUREMENTS)
ADD_INSERTION = insert(INSERTIONS)

CANDIDATES_OF = (
    select(*CANDIDATES.c, SOURCES.c.language, SOURCES.c.files)
    .join(SOURCES, SOURCES.c.hash == CANDIDATES.c.source_hash)
    .where(CANDIDATES.c.run_id == bindparam("of_run"), CANDIDATES.c.ticket == bindparam("of_ticket"))
    .order_by(CANDIDATES.c.turn)
)
EVALUATION_OF = (
    select(*EVALUATIONS.c)
    .where(
        EVALUATIONS.c.run_id == bindparam("of_run"),
        EVALUATIONS.c.ticket == bindparam("of_ticket"),
        EVALUATIONS.c.turn == bindparam("of_turn"),
        EVALUATIONS.c.purpose == "search",
    )
    .order_by(EVALUATIONS.c.id)
    .limit(1)
)
FIRST_WRITER = select(func.min(CANDIDATES.c.ticket)).where(
    CANDIDATES.c.run_id == bindparam("of_run"),
    CANDIDATES.c.candidate_id == bindparam("wanted"),
    CANDIDATES.c.turn == 0,
    CANDIDATES.c.ticket >= bindparam("low"),
    CANDIDATES.c.ticket < bindparam("high"),
)
HAS_SOURCE = select(SOURCES.c.hash).where(SOURCES.c.hash == bindparam("wanted"))

CLOSE_TICKET = (
    update(TICKETS)
    .where(TICKETS.c.run_id == bindparam("of_run"), TICKETS.c.number == bindparam("of_ticket"))
    .values({name: bindparam(name) for name in ("outcome", "note", "agent_cpu_s", "committed_at")})
)
BRING_CLOCK = update(RUNS).where(RUNS.c.id == bindparam("of_run")).values(elapsed_s=bindparam("elapsed_s"))

# Without the sum SQLite takes the index by ticket, for the order, and reads the whole run.
_number = EVALUATIONS.c.ticket + 0
_FINISHED = (
    select(*EVALUATIONS.c)
    .where(
        EVALUATIONS.c.run_id == bindparam("of_run"),
        EVALUATIONS.c.purpose == "search",
        EVALUATIONS.c.split == "train",
        _number < bindparam("visible"),
    )
    .order_by(_number, EVALUATIONS.c.turn)
    .limit(1)
)
BY_SOURCE = _FINISHED.where(
    EVALUATIONS.c.candidate_id == bindparam("wanted"),
    EVALUATIONS.c.status.not_in(("duplicate", "raced_out", "sandbox_error")),
)
BY_DECISIONS = _FINISHED.where(EVALUATIONS.c.decision_hash == bindparam("wanted"), EVALUATIONS.c.status == "ok")
MEASUREMENTS_OF = (
    select(*MEASUREMENTS.c)
    .where(MEASUREMENTS.c.evaluation_id == bindparam("evaluation"))
    .order_by(MEASUREMENTS.c.position)
)
MEASURED = (
    select(*MEASUREMENTS.c)
    .where(MEASUREMENTS.c.evaluation_id.in_(bindparam("evaluations", expanding=True)))
    .order_by(MEASUREMENTS.c.evaluation_id, MEASUREMENTS.c.position)
)
