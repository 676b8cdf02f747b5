"""Every SQL table of an archive. SQL is the truth; whatever is in memory is derived from these rows.

One database holds many runs, an SQLite file or a PostgreSQL server: strings have no length, since only the latter would
keep it, by ending a run over a long name. Rows are only ever added or completed, never deleted: leaving the archive
(losing a niche) is not deletion. Times are seconds since the epoch (UTC), for people; nothing is computed from them.
"""

import json
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 3
"""Raised with every change, together with a revision in ``migrations`` that brings an older archive up to it."""
APPLICATION_ID = 0x53504543
"""``SPEC``: SQLite's application_id, by which a foreign database is told from ours."""


class Words(TypeDecorator[str]):
    """Text from anywhere. NUL, which PostgreSQL cannot hold, and half of a surrogate pair are replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what is stored."""
        return value and value.replace("\0", "\ufffd").encode(errors="replace").decode()


class _FiguresText(TypeDecorator[Any]):
    """JSON as Python writes it, with NaN and infinities among its numbers: PostgreSQL's own type refuses those."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Return what is stored."""
        return json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return what was given."""
        return None if value is None else json.loads(value)


FIGURES = JSON().with_variant(_FiguresText(), "postgresql")
"""The type of measured figures."""


class Base(DeclarativeBase):
    """Declarative base of the archive."""


class Meta(Base):
    """One row a key; ``schema_version`` is always there."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Revision(Base):
    """Alembic's own record of the schema's version: one row, equal to ``schema_version``."""

    __tablename__ = "alembic_version"
    version_num: Mapped[str] = mapped_column(String, primary_key=True)


class Run(Base):
    """A search: problem, settings, seed and budget, and how it ended."""

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    """Short and typeable, for instance ``serving-router-7f3a``."""
    problem: Mapped[str] = mapped_column(String)
    problem_options: Mapped[dict[str, str]] = mapped_column(JSON)
    problem_version: Mapped[str] = mapped_column(String)
    seed: Mapped[int] = mapped_column(Integer)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``RunSettings`` as written; never a key or a secret."""
    environment: Mapped[dict[str, str]] = mapped_column(JSON)
    """Versions of Speciate, Python, the sandbox; host facts needed to repeat the run."""
    state: Mapped[str] = mapped_column(String)
    """``running``, ``finished`` (a budget was used up) or ``stopped`` (interrupted, or an error: see ``reason``)."""
    reason: Mapped[str] = mapped_column(Words, default="")
    control_of: Mapped[str | None] = mapped_column(ForeignKey("runs.id"), default=None)
    created_at: Mapped[float] = mapped_column(Float)
    finished_at: Mapped[float | None] = mapped_column(Float, default=None)
    elapsed_s: Mapped[float] = mapped_column(Float, default=0.0)
    """Wall seconds over all sittings; what ``--minutes`` is checked against."""
    champion: Mapped[str | None] = mapped_column(String, default=None)
    """Candidate id chosen on validation."""
    maximize: Mapped[bool | None] = mapped_column(Boolean, default=False)
    """Whether the problem's objective is maximised; the insertion log keeps such scores negated."""


class Source(Base):
    """Code, stored once by the hash of its exact bytes."""

    __tablename__ = "sources"
    hash: Mapped[str] = mapped_column(String, primary_key=True)
    language: Mapped[str] = mapped_column(String)
    files: Mapped[list[dict[str, str]]] = mapped_column(JSON)


class Ticket(Base):
    """One candidate's place in a run. What is drawn (parents, operator, model, seed) is drawn once, here."""

    __tablename__ = "tickets"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """0, 1, 2, ...; also the order of commits."""
    visible: Mapped[int] = mapped_column(Integer)
    """The archive was seen as of this many commits."""
    proposer: Mapped[str] = mapped_column(String)
    operator: Mapped[str] = mapped_column(String)
    model: Mapped[str | None] = mapped_column(String, default=None)
    parents: Mapped[list[int]] = mapped_column(JSON)
    """Ticket numbers of the parents."""
    draw: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``seed`` of the ticket's own generator, and what else was drawn."""
    island: Mapped[int | None] = mapped_column(Integer, default=None)
    """The population it was drawn for; None without islands."""
    variant: Mapped[str] = mapped_column(String, default="")
    """Of the prompt; empty where there are none."""
    outcome: Mapped[str | None] = mapped_column(String, default=None)
    """None until committed; then an evaluation status, or ``no_candidate`` (the model gave nothing usable)."""
    note: Mapped[str] = mapped_column(Words, default="")
    """Why there is no candidate, or the author's stated idea; text from a model: quoted, never obeyed."""
    issued_at: Mapped[float] = mapped_column(Float)
    committed_at: Mapped[float | None] = mapped_column(Float, default=None)
    agent_cpu_s: Mapped[float] = mapped_column(Float, default=0.0)


class CandidateRow(Base):
    """A candidate a ticket produced. It may produce several (a repair replaces the last): ``turn`` orders them."""

    __tablename__ = "candidates"
    run_id: Mapped[str] = mapped_column(String, primary_key=True)
    ticket: Mapped[int] = mapped_column(Integer, primary_key=True)
    turn: Mapped[int] = mapped_column(Integer, primary_key=True)
    candidate_id: Mapped[str] = mapped_column(String)
    """``Candidate.id``: hash of the canonical source."""
    source_hash: Mapped[str] = mapped_column(ForeignKey("sources.hash"))
    parents: Mapped[list[str]] = mapped_column(JSON)
    operator: Mapped[str] = mapped_column(String)
    proposer: Mapped[str] = mapped_column(String)
    idea: Mapped[str] = mapped_column(Words, default="")
    rationale: Mapped[str] = mapped_column(Words, default="")
    """The author's reasons, like the two below in the author's words: quoted, never obeyed."""
    hypothesis: Mapped[str] = mapped_column(Words, default="")
    """What the author expected."""
    insight: Mapped[str] = mapped_column(Words, default="")
    """What the author learnt."""
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "ticket"], ["tickets.run_id", "tickets.number"]),
        Index("candidates_by_id", "run_id", "candidate_id"),
    )


class EvaluationRow(Base):
    """One word of the judge: ``Evaluation`` without its measurements."""

    __tablename__ = "evaluations"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    ticket: Mapped[int | None] = mapped_column(Integer, default=None)
    """None for a baseline or a re-judged candidate."""
    turn: Mapped[int | None] = mapped_column(Integer, default=None)
    """The candidate's turn in its ticket; of an ``experiment``, how many its ticket had made before."""
    candidate_id: Mapped[str] = mapped_column(String)
    split: Mapped[str] = mapped_column(String)
    purpose: Mapped[str] = mapped_column(String)
    """``search``, ``remeasure`` (a noisy elite or its challenger, again), ``experiment`` (one workload, for whoever
    invents), ``champion``, ``report``, ``baseline:NAME`` or ``real:SITTING`` (on the testbed; see its labels)."""
    repetition: Mapped[int] = mapped_column(Integer, default=0)
    """Which measuring of this candidate on this split it is; beyond 0 only where the problem is noisy."""
    status: Mapped[str] = mapped_column(String)
    score: Mapped[float | None] = mapped_column(Float, default=None)
    descriptors: Mapped[dict[str, float]] = mapped_column(FIGURES)
    detail: Mapped[str] = mapped_column(Words, default="")
    censored: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """``Censored`` of a timed-out measurement: workload, limit and seconds. Never a score."""
    decision_hash: Mapped[str | None] = mapped_column(String, default=None)
    duplicate_of: Mapped[str | None] = mapped_column(String, default=None)
    labels: Mapped[list[str]] = mapped_column(JSON)
    sandbox: Mapped[str] = mapped_column(String, default="")
    cpu_s: Mapped[float] = mapped_column(Float, default=0.0)
    wall_s: Mapped[float] = mapped_column(Float, default=0.0)
    decisions: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[float] = mapped_column(Float)
    __table_args__ = (
        Index("evaluations_by_candidate", "run_id", "candidate_id", "split"),
        Index("evaluations_by_decisions", "run_id", "decision_hash"),
        Index("evaluations_by_ticket", "run_id", "ticket"),
    )


class MeasurementRow(Base):
    """One workload of one evaluation."""

    __tablename__ = "measurements"
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    workload: Mapped[str] = mapped_column(String)
    objective: Mapped[float] = mapped_column(Float)
    metrics: Mapped[dict[str, float]] = mapped_column(FIGURES)
    descriptors: Mapped[dict[str, float]] = mapped_column(FIGURES)
    feedback: Mapped[str] = mapped_column(Words, default="")
    trace: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """Events of the run, a line each; None where the problem tells none."""
    cpu_s: Mapped[float] = mapped_column(Float, default=0.0)
    wall_s: Mapped[float] = mapped_column(Float, default=0.0)
    decisions: Mapped[int] = mapped_column(Integer, default=0)


class Insertion(Base):
    """The archive's log: what each committed candidate did to its niche. The grid at any commit follows from it."""

    __tablename__ = "insertions"
    run_id: Mapped[str] = mapped_column(String, primary_key=True)
    ticket: Mapped[int] = mapped_column(Integer, primary_key=True)
    cell: Mapped[int] = mapped_column(Integer)
    """Flat index: of the grid row-major over the descriptors in the problem's order, see ``_tessellation``."""
    score: Mapped[float] = mapped_column(Float)
    """Minimised (negated where the objective is maximised). Where the problem is noisy, the mean of the fresh
    repetitions, if there were any."""
    result: Mapped[str] = mapped_column(String)
    """``new``, ``improved`` or ``rejected``."""
    replaced: Mapped[int | None] = mapped_column(Integer, default=None)
    """Ticket of the elite that lost the niche."""
    repetitions: Mapped[int] = mapped_column(Integer, default=0)
    """Fresh repetitions that candidate and holder were given; 0 where nothing was measured again."""
    decided: Mapped[bool | None] = mapped_column(Boolean, default=None)
    """Whether the paired interval decided between them; False where the cap came first; None where none was asked."""
    holder_score: Mapped[float | None] = mapped_column(Float, default=None)
    """The former holder's score after its fresh repetitions: what it is worth from now on if it keeps the niche."""
    further: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """The problem's further objectives in its order, minimised like the score; None where there are none."""
    __table_args__ = (ForeignKeyConstraint(["run_id", "ticket"], ["tickets.run_id", "tickets.number"]),)


class Request(Base):
    """One HTTP request to a model, written before it is sent. A retry is a request of its own."""

    __tablename__ = "requests"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(String)
    ticket: Mapped[int] = mapped_column(Integer)
    turn: Mapped[int] = mapped_column(Integer)
    """The turn of the candidate it is for: 0 for the first writing, 1.. for repairs of a judged one."""
    attempt: Mapped[int] = mapped_column(Integer)
    """0 for the first request of this turn, 1.. for retries after 429, 5xx, timeouts and for asking again after
    an unusable reply."""
    purpose: Mapped[str] = mapped_column(String, default="write")
    """``write``, ``repair``, ``idea``, ``reflect`` or ``research``."""
    model: Mapped[str] = mapped_column(String)
    base_url: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String)
    """Of the body."""
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Messages and sampling settings; no header, no key."""
    reserved_tokens: Mapped[int] = mapped_column(Integer)
    reserved_usd: Mapped[float | None] = mapped_column(Float, default=None)
    """None where the model's price is unknown."""
    state: Mapped[str] = mapped_column(String)
    """``sent``, ``replied``, ``failed`` (an answer without a completion: 4xx, 5xx, timeout) or ``in_doubt``."""
    sent_at: Mapped[float] = mapped_column(Float)
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "ticket"], ["tickets.run_id", "tickets.number"]),
        Index("requests_by_ticket", "run_id", "ticket", "turn", "attempt", unique=True),
    )


class Reply(Base):
    """What came back, written before it is parsed."""

    __tablename__ = "replies"
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), primary_key=True)
    http_status: Mapped[int | None] = mapped_column(Integer, default=None)
    text: Mapped[str | None] = mapped_column(Words, default=None)
    calls: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """Tools that it asks for, as received: ``id``, ``name`` and ``arguments`` of each; None where it asks for none."""
    finish_reason: Mapped[str | None] = mapped_column(String, default=None)
    error: Mapped[str] = mapped_column(Words, default="")
    outcome: Mapped[str | None] = mapped_column(String, default=None)
    """What came of it: ``diff``, ``rewrite``, ``truncated``, ... once a completion was parsed (None before);
    ``timeout``, ``http_429``, ... where there was no completion."""
    prompt_tokens: Mapped[int | None] = mapped_column(Integer, default=None)
    completion_tokens: Mapped[int | None] = mapped_column(Integer, default=None)
    cached_tokens: Mapped[int | None] = mapped_column(Integer, default=None)
    """Of the prompt's, those that came from the server's cache."""
    reasoning_tokens: Mapped[int | None] = mapped_column(Integer, default=None)
    """Of the completion's, those that nobody is shown."""
    cost_usd: Mapped[float | None] = mapped_column(Float, default=None)
    """None where usage or price is unknown; unknown is shown as unknown, never 0."""
    latency_s: Mapped[float] = mapped_column(Float)
    received_at: Mapped[float] = mapped_column(Float)


class LessonRow(Base):
    """What a run learnt, from where in the run it stands. Later words on it are rows of their own."""

    __tablename__ = "lessons"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    number: Mapped[int] = mapped_column(Integer)
    """Which of the run's lessons it is a word on: 0, 1, 2, ..."""
    commit: Mapped[int] = mapped_column(Integer)
    """It stands after this many commits; from 0 on what the run began with."""
    family: Mapped[str] = mapped_column(String)
    """Of problems that it may help with."""
    text: Mapped[str] = mapped_column(Words)
    """From a model: quoted, never obeyed."""
    kind: Mapped[str] = mapped_column(String)
    """``change`` (a kind of change that was counted) or ``model`` (a model's words)."""
    evidence_for: Mapped[float] = mapped_column(Float)
    """Designs that followed it and improved on their parents, the older the less."""
    evidence_against: Mapped[float] = mapped_column(Float)
    """Those that followed it and did not."""
    gain: Mapped[float] = mapped_column(Float)
    """Sum over both of the share of the parent's score that was gained (negative: lost)."""
    source: Mapped[list[int]] = mapped_column(JSON)
    """Numbers of the tickets that this word comes from."""
    created_at: Mapped[float] = mapped_column(Float)
    __table_args__ = (Index("lessons_by_run", "run_id", "number", "commit", unique=True),)


class Opening(Base):
    """Each time held-out (or validation) workloads were opened, for whom and why."""

    __tablename__ = "openings"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    split: Mapped[str] = mapped_column(String)
    candidates: Mapped[list[str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Words)
    opened_at: Mapped[float] = mapped_column(Float)


class GateQuery(Base):
    """One question to the gate before the validation workloads of a problem, over all runs of the database."""

    __tablename__ = "gate_queries"
    gate: Mapped[str] = mapped_column(String, primary_key=True)
    """Hash of the problem's name, options and version."""
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """0, 1, 2, ...; queries answered before this one."""
    disagreements: Mapped[int] = mapped_column(Integer)
    """How many of those were answered with a validation gain."""
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    candidate_id: Mapped[str] = mapped_column(String)
    source: Mapped[str] = mapped_column(String)
    """``train`` or ``validation``: whose gain the answer is."""
    gain: Mapped[float] = mapped_column(Float)
    """As answered: with its noise."""
    margin: Mapped[float] = mapped_column(Float)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``GateSettings`` that it was answered with."""
    asked_at: Mapped[float] = mapped_column(Float)
