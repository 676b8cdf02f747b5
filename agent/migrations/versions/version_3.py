"""Lessons; reasons of designs; traces; purposes of requests, tools and reasoning of replies; islands, variants."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Add the columns and the table of lessons."""
    for reason in ("rationale", "hypothesis", "insight"):
        op.add_column("candidates", sa.Column(reason, sa.Text, nullable=False, server_default=""))
    op.add_column("requests", sa.Column("purpose", sa.String, nullable=False, server_default="write"))
    op.add_column("measurements", sa.Column("trace", sa.JSON))
    op.add_column("insertions", sa.Column("further", sa.JSON))
    op.add_column("replies", sa.Column("calls", sa.JSON))
    op.add_column("replies", sa.Column("reasoning_tokens", sa.Integer))
    op.add_column("tickets", sa.Column("island", sa.Integer))
    op.add_column("tickets", sa.Column("variant", sa.String, nullable=False, server_default=""))
    op.create_table(
        "lessons",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("commit", sa.Integer, nullable=False),
        sa.Column("family", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("evidence_for", sa.Float, nullable=False),
        sa.Column("evidence_against", sa.Float, nullable=False),
        sa.Column("gain", sa.Float, nullable=False),
        sa.Column("source", sa.JSON, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_index("lessons_by_run", "lessons", ["run_id", "number", "commit"], unique=True)
