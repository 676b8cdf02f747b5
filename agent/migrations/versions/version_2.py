"""Noisy problems, timeouts as censored observations, the gate before validation, and which way a run searches."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

_DIRECTION = """UPDATE runs SET maximize = EXISTS (
    SELECT 1 FROM insertions JOIN evaluations
    ON evaluations.run_id = insertions.run_id AND evaluations.ticket = insertions.ticket
    AND evaluations.purpose = 'search' AND evaluations.status = 'ok'
    WHERE insertions.run_id = runs.id AND evaluations.score <> 0 AND evaluations.score = -insertions.score)"""
"""Version 1 did not say it, but its log negates a maximised score."""


def upgrade() -> None:
    """Add the columns and the gate's table."""
    op.add_column("runs", sa.Column("maximize", sa.Boolean))
    op.execute(_DIRECTION)
    op.add_column("evaluations", sa.Column("repetition", sa.Integer, nullable=False, server_default="0"))
    op.add_column("evaluations", sa.Column("censored", sa.JSON))
    op.add_column("insertions", sa.Column("repetitions", sa.Integer, nullable=False, server_default="0"))
    op.add_column("insertions", sa.Column("decided", sa.Boolean))
    op.add_column("insertions", sa.Column("holder_score", sa.Float))
    op.create_table(
        "gate_queries",
        sa.Column("gate", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("disagreements", sa.Integer, nullable=False),
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("candidate_id", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("gain", sa.Float, nullable=False),
        sa.Column("margin", sa.Float, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
    )
