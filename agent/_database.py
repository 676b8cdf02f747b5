"""The database under an archive: opening it, recognising it, and the two kinds of transaction.

A read sees the archive as of one instant, and there is one write at a time, on both kinds of database.
SQLite runs in WAL mode. Every writer starts with ``BEGIN IMMEDIATE``: an upgrade from reader to writer is
not covered by SQLite's busy timeout and fails at once when two processes write. PostgreSQL's writers take a
lock for it, which costs a search nothing: it writes some ten rows a second.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from speciate.evaluators import SpeciateError
from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from ._migration import migrate
from ._tables import APPLICATION_ID, SCHEMA_VERSION, Base, Insertion, Meta, Revision

BUSY_TIMEOUT_S = 20.0


class Database:
    """An open database that is known to hold an archive's tables.

    Safe to share between threads; a forked child must open its own.
    """

    def __init__(self, url: URL, busy_timeout_s: float):
        self.url = url
        self.busy_timeout_s = busy_timeout_s
        self.engine = _engine(url, busy_timeout_s)

    @property
    def name(self) -> str:
        """What a person calls it: the file's path, or the URL without its password."""
        return path_of(self.url) or self.url.render_as_string(hide_password=True)

    @property
    def address(self) -> str:
        """The URL with its password: what another process needs to open the same database."""
        return self.url.render_as_string(hide_password=False)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection inside one read transaction. Raises SpeciateError where the database fails."""
        with self.translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection inside one write transaction, committed at the end, rolled back on an error.

        Raises SpeciateError where the database fails, for instance while another process holds its lock.
        """
        with self.translated(), self.engine.connect() as plain:
            connection = plain.execution_options(speciate_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise SpeciateError, in one line, for what the database says no to."""
        try:
            yield
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise SpeciateError(_sentence(self.name, error.orig, self.busy_timeout_s)) from error

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def open_database(place: str | Path, *, create: bool, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Database:
    """Open the archive database at ``place``: a file, or an SQLAlchemy URL.

    Args:
        place: path of an SQLite file, ``sqlite:///PATH`` or ``postgresql://...``.
        create: whether a missing or empty database is made into an archive.
        busy_timeout_s: seconds to wait for another process's lock.

    Raises:
        SpeciateError: not a database, a foreign one, one of a newer Speciate, a locked one, a folder that
            cannot be written, or a missing archive with ``create`` False. One line each.
    """
    url = _url(place)
    path = path_of(url)
    if path is not None:
        fresh = _inspect_file(Path(path), create, busy_timeout_s)
    database = _open(url, busy_timeout_s)
    try:
        if path is None:
            fresh = _inspect_server(database, create)
        if fresh:
            _create_tables(database)
        _check_version(database)
    except BaseException:
        database.close()
        raise
    return database


def path_of(url: URL) -> str | None:
    """Return the file an SQLite URL names, None for a server."""
    return url.database if url.get_backend_name() == "sqlite" else None


def _url(place: str | Path) -> URL:
    if not (isinstance(place, str) and "://" in place):
        return URL.create("sqlite", database=str(Path(place).expanduser()))
    try:
        url = make_url(place)
    except ArgumentError as error:
        raise SpeciateError(f"expected a path or a database URL, got {place!r}: {error}") from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise SpeciateError(f"expected an SQLite or PostgreSQL database, got {url.get_backend_name()!r}")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise SpeciateError("an archive in memory cannot be shared or resumed: name a file, for instance runs.db")
    return url


def _open(url: URL, busy_timeout_s: float) -> Database:
    try:
        return Database(url, busy_timeout_s)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise SpeciateError(
            f"no driver for {url.drivername!r} is installed: {error}; `pip install 'speciate[postgres]'` brings that "
            f"for postgresql://"
        ) from error


def _engine(url: URL, busy_timeout_s: float) -> Engine:
    return _file_engine(url, busy_timeout_s) if path_of(url) is not None else _server_engine(url, busy_timeout_s)


def _server_engine(url: URL, busy_timeout_s: float) -> Engine:
    engine = create_engine(url)
    writing = (
        f"SET LOCAL lock_timeout = {round(busy_timeout_s * 1000)}; SELECT pg_advisory_xact_lock({APPLICATION_ID})"
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("speciate_writes", False)
        reading = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        connection.exec_driver_sql(writing if writes else reading)

    return engine


def _file_engine(url: URL, busy_timeout_s: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin late and never IMMEDIATE; the event below begins instead.
        connection.isolation_level = None
        # A new file gets its log unsynchronised, in which there is nothing to lose: eight waits for the disk are four.
        for pragma in ("synchronous=OFF", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("speciate_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _inspect_file(path: Path, create: bool, busy_timeout_s: float) -> bool:
    """Return whether ``path`` still needs its tables. Changes nothing in a file that is not ours."""
    try:
        exists = path.exists()
        if exists and path.is_dir():
            raise SpeciateError(
                f"{path}: expected an archive file, got a folder; name a file in it, for instance runs.db"
            )
        if not exists and not create:
            raise SpeciateError(f"{path}: no archive there; `speciate run` starts one, `--db` names another")
        if not exists:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            return True
    except OSError as error:
        raise SpeciateError(f"{path}: cannot be opened: {error.strerror or error}; name a writable place") from error
    # By SQLite alone: were the file opened and closed here, this process would lose every lock that it holds on it
    # (POSIX), and another one's last close would take the log from under an archive that is open already.
    empty = _identify(path, busy_timeout_s)
    if empty and not create:
        raise SpeciateError(f"{path}: an empty database, no archive in it; `speciate run` starts one")
    return empty


def _identify(path: Path, busy_timeout_s: float) -> bool:
    """Return whether an SQLite file is empty; refuse one that another program filled."""
    try:
        with closing(sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)) as connection:
            # Of one moment: another process may be about to make an archive of it.
            connection.execute("BEGIN")
            tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.Error as error:
        raise SpeciateError(_sentence(str(path), error, busy_timeout_s)) from error
    if application != APPLICATION_ID and (application or tables):
        raise SpeciateError(f"{path}: a database of another program; name another with --db")
    return not tables


def _inspect_server(database: Database, create: bool) -> bool:
    """Return whether the server's database still needs its tables. Changes nothing in one that is not ours."""
    try:
        tables = set(inspect(database.engine).get_table_names())
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise SpeciateError(f"{database.name}: cannot be opened: {reason}") from error
    if tables and not {Meta.__tablename__, Insertion.__tablename__} <= tables:
        raise SpeciateError(f"{database.name}: a database of another program; name another with --db")
    if not tables and not create:
        raise SpeciateError(f"{database.name}: no archive there; `speciate run` starts one")
    return not tables


def _create_tables(database: Database) -> None:
    with database.write() as connection:
        Base.metadata.create_all(connection)
        known = connection.execute(select(Meta.value).where(Meta.key == "schema_version")).first()
        if known is None:
            connection.execute(insert(Meta).values(key="schema_version", value=str(SCHEMA_VERSION)))
            connection.execute(insert(Revision).values(version_num=str(SCHEMA_VERSION)))
        if path_of(database.url) is not None:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _check_version(database: Database) -> None:
    """Refuse an archive of a newer version, and bring one of an older version up to date."""
    with database.read() as connection:
        version = connection.execute(select(Meta.value).where(Meta.key == "schema_version")).scalar()
    if version is None or not version.isdigit():
        raise SpeciateError(f"{database.name}: its schema_version is {version!r}: not a whole archive")
    if int(version) > SCHEMA_VERSION:
        raise SpeciateError(
            f"{database.name}: written by a newer Speciate (schema {version}, this one reads "
            f"{SCHEMA_VERSION}); upgrade speciate"
        )
    if int(version) < SCHEMA_VERSION:
        with database.write() as connection:
            migrate(connection)


def _sentence(name: str, error: Any, busy_timeout_s: float) -> str:
    reason = " ".join(str(error).split())
    if "locked" in reason or "busy" in reason or "lock timeout" in reason:
        return f"{name}: locked by another process for {busy_timeout_s:g} s; end that process, then resume"
    if "not a database" in reason:
        return f"{name}: not an SQLite file; name another with --db"
    if "readonly" in reason or "unable to open" in reason:
        return f"{name}: cannot be written ({reason}); name a writable place with --db"
    return f"{name}: the database failed: {reason}"
