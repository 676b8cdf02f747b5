"""Bringing an archive of an older Speciate up to date, in place: columns are added, and nothing is lost."""

from sqlalchemy import Connection, text

from ._tables import SCHEMA_VERSION, Base

_COLUMNS = {
    2: (
        "runs ADD COLUMN maximize BOOLEAN",
        "evaluations ADD COLUMN repetition INTEGER NOT NULL DEFAULT 0",
        "evaluations ADD COLUMN censored JSON",
        "insertions ADD COLUMN repetitions INTEGER NOT NULL DEFAULT 0",
        "insertions ADD COLUMN decided BOOLEAN",
        "insertions ADD COLUMN holder_score FLOAT",
    ),
}
"""By the version that brought them; in words that SQLite and PostgreSQL share."""

_DIRECTION = """UPDATE runs SET maximize = EXISTS (
    SELECT 1 FROM insertions JOIN evaluations
    ON evaluations.run_id = insertions.run_id AND evaluations.ticket = insertions.ticket
    AND evaluations.purpose = 'search' AND evaluations.status = 'ok'
    WHERE insertions.run_id = runs.id AND evaluations.score <> 0 AND evaluations.score = -insertions.score)"""
"""Version 1 did not say which way a run searched, but its log negates a maximised score."""


def migrate(connection: Connection) -> None:
    """Add what this version's tables have beyond those of an older archive, inside the caller's transaction.

    Several processes may open an old archive at once: whoever comes second finds it done.
    """
    told = connection.execute(text("SELECT value FROM meta WHERE key = 'schema_version'")).scalar_one()
    version = int(told)
    if version >= SCHEMA_VERSION:
        return
    for step in range(version + 1, SCHEMA_VERSION + 1):
        for change in _COLUMNS[step]:
            connection.execute(text(f"ALTER TABLE {change}"))
        if step == 2:
            connection.execute(text(_DIRECTION))
    Base.metadata.create_all(connection)
    written = {"version": str(SCHEMA_VERSION)}
    connection.execute(text("UPDATE meta SET value = :version WHERE key = 'schema_version'"), written)
