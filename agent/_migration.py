"""Bringing an archive of an older Speciate up to date, in place and with nothing lost, by alembic."""

from pathlib import Path
from threading import Lock

from speciate.evaluators import SpeciateError
from sqlalchemy import Connection, select, update

from ._tables import SCHEMA_VERSION, Meta

_one_at_a_time = Lock()
"""Alembic's own state is the process's: the connection that a revision works on is a global of it."""


def migrate(connection: Connection) -> None:
    """Run the revisions that an archive lacks, inside the caller's write transaction: all of them or none.

    Several processes may open an old archive at once: whoever comes second waits, and finds it done. Raises
    SpeciateError for a version that no revision leads from.
    """
    mine = Meta.key == "schema_version"
    version = connection.execute(select(Meta.value).where(mine)).scalar_one()
    if int(version) < SCHEMA_VERSION:
        upgrade(connection, version, SCHEMA_VERSION)
        connection.execute(update(Meta).where(mine).values(value=str(SCHEMA_VERSION)))


def upgrade(connection: Connection, version: str, target: int) -> None:
    """Run the revisions after ``version`` (``base``: from the first one) up to ``target``; ``meta`` is the caller's."""
    # Here, since it costs a fifth of a second and hardly any archive needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    # The option is read by ConfigParser, to which a single % begins a reference.
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _one_at_a_time:
        try:
            # The first archives were made without alembic and have no record of its own.
            command.stamp(config, version)
            command.upgrade(config, str(target))
        except CommandError as error:
            told = f"expected an archive of schema 1 to {target}, got {version}: {error}"
            raise SpeciateError(told) from error
