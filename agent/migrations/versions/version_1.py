"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

_FIGURES = sa.JSON().with_variant(sa.Text(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    _make_runs()
    _make_candidates()
    _make_evaluations()
    _make_requests()


def _make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("problem", sa.String, nullable=False),
        sa.Column("problem_options", sa.JSON, nullable=False),
        sa.Column("problem_version", sa.String, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("environment", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("control_of", sa.String, sa.ForeignKey("runs.id")),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float),
        sa.Column("elapsed_s", sa.Float, nullable=False),
        sa.Column("champion", sa.String),
    )
    op.create_table(
        "openings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("split", sa.String, nullable=False),
        sa.Column("candidates", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
    )
    op.create_table(
        "tickets",
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("visible", sa.Integer, nullable=False),
        sa.Column("proposer", sa.String, nullable=False),
        sa.Column("operator", sa.String, nullable=False),
        sa.Column("model", sa.String),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("draw", sa.JSON, nullable=False),
        sa.Column("outcome", sa.String),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("issued_at", sa.Float, nullable=False),
        sa.Column("committed_at", sa.Float),
        sa.Column("agent_cpu_s", sa.Float, nullable=False),
    )


def _make_candidates() -> None:
    op.create_table(
        "sources",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
    )
    op.create_table(
        "candidates",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("ticket", sa.Integer, primary_key=True),
        sa.Column("turn", sa.Integer, primary_key=True),
        sa.Column("candidate_id", sa.String, nullable=False),
        sa.Column("source_hash", sa.String, sa.ForeignKey("sources.hash"), nullable=False),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("operator", sa.String, nullable=False),
        sa.Column("proposer", sa.String, nullable=False),
        sa.Column("idea", sa.Text, nullable=False),
        _of_ticket(),
    )
    op.create_index("candidates_by_id", "candidates", ["run_id", "candidate_id"])
    op.create_table(
        "insertions",
        sa.Column("run_id", sa.String, primary_key=True),
        sa.Column("ticket", sa.Integer, primary_key=True),
        sa.Column("cell", sa.Integer, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("result", sa.String, nullable=False),
        sa.Column("replaced", sa.Integer),
        _of_ticket(),
    )


def _make_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("ticket", sa.Integer),
        sa.Column("turn", sa.Integer),
        sa.Column("candidate_id", sa.String, nullable=False),
        sa.Column("split", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("descriptors", _FIGURES, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("decision_hash", sa.String),
        sa.Column("duplicate_of", sa.String),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("sandbox", sa.String, nullable=False),
        *_cost(),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("evaluations_by_candidate", "evaluations", ["run_id", "candidate_id", "split"])
    op.create_index("evaluations_by_decisions", "evaluations", ["run_id", "decision_hash"])
    op.create_index("evaluations_by_ticket", "evaluations", ["run_id", "ticket"])
    op.create_table(
        "measurements",
        sa.Column("evaluation_id", sa.Integer, sa.ForeignKey("evaluations.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("workload", sa.String, nullable=False),
        sa.Column("objective", sa.Float, nullable=False),
        sa.Column("metrics", _FIGURES, nullable=False),
        sa.Column("descriptors", _FIGURES, nullable=False),
        sa.Column("feedback", sa.Text, nullable=False),
        *_cost(),
    )


def _make_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("ticket", sa.Integer, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("base_url", sa.Text, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("reserved_tokens", sa.Integer, nullable=False),
        sa.Column("reserved_usd", sa.Float),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("sent_at", sa.Float, nullable=False),
        _of_ticket(),
    )
    op.create_index("requests_by_ticket", "requests", ["run_id", "ticket", "turn", "attempt"], unique=True)
    op.create_table(
        "replies",
        sa.Column("request_id", sa.Integer, sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("http_status", sa.Integer),
        sa.Column("text", sa.Text),
        sa.Column("finish_reason", sa.String),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("outcome", sa.String),
        sa.Column("prompt_tokens", sa.Integer),
        sa.Column("completion_tokens", sa.Integer),
        sa.Column("cached_tokens", sa.Integer),
        sa.Column("cost_usd", sa.Float),
        sa.Column("latency_s", sa.Float, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
    )


def _of_ticket() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["run_id", "ticket"], ["tickets.run_id", "tickets.number"])


def _cost() -> tuple[sa.Column[float], sa.Column[float], sa.Column[int]]:
    return (
        sa.Column("cpu_s", sa.Float, nullable=False),
        sa.Column("wall_s", sa.Float, nullable=False),
        sa.Column("decisions", sa.Integer, nullable=False),
    )
