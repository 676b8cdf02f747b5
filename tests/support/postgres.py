"""A PostgreSQL server for the tests, on a socket in a folder of its own; it ends with the process that started it."""

import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

INSTALL = "apt install postgresql"
START_WALL_S = 60.0
_PR_SET_PDEATHSIG = 1
_OWNER = "postgres"
"""Who runs it where the tests are root's: the server refuses root. Debian's package makes the user."""
_running: set[int] = set()
"""First processes of the servers that this process runs."""


class PostgresServer:
    """A running server.

    Args:
        binaries: the folder of ``initdb`` and ``postgres``.
    """

    def __init__(self, binaries: Path):
        self._folder = Path(tempfile.mkdtemp(prefix="speciate-postgres-"))
        self._numbers = count()
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as = {"user": _OWNER, "group": _OWNER, "extra_groups": []}
            shutil.chown(self._folder, _OWNER, _OWNER)
        data = self._folder / "data"
        new = ["--auth=trust", "--username=speciate", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [binaries / "initdb", f"--pgdata={data}", *new]
        subprocess.run(command, cwd=self._folder, check=True, stdout=subprocess.DEVNULL, **self._as)
        fast = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"]
        command = [binaries / "postgres", "-D", data, "-k", self._folder, "-c", "listen_addresses=", *fast]
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, preexec_fn=_die_with_parent, **self._as
            )
        _running.add(self._process.pid)
        atexit.register(self.stop)
        self._admin = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        self._wait()

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://speciate@/{database}?host={self._folder}"

    def database(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"tests_{next(self._numbers)}"
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} STRATEGY file_copy")
        return self.url(name)

    def drop_connections(self, url: str) -> None:
        """End every connection to a database, as a server does that goes down."""
        ending = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
        with self._admin.connect() as connection:
            connection.execute(ending, {"name": make_url(url).database})

    def stop(self) -> None:
        """End the server and remove all of it."""
        atexit.unregister(self.stop)
        self._admin.dispose()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()
        _running.discard(self._process.pid)
        shutil.rmtree(self._folder)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_WALL_S
        while True:
            try:
                self._admin.connect().close()
            except OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return


def server_pids() -> set[int]:
    """Return the first process of each server that this process runs; its own helpers come and go below it."""
    return set(_running)


@cache
def postgres_server() -> PostgresServer | str:
    """Return this process's server, or why it cannot be had."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        return f"psycopg cannot be imported: {error}"
    found = shutil.which("initdb") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)
    return PostgresServer(Path(found).parent) if found else f"no initdb found: {INSTALL}"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
