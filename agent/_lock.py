"""One writer a run: a lock that dies with its process, so that a killed run can be resumed at once."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from speciate.evaluators import SpeciateError
from sqlalchemy import text

from ._database import Database, path_of

_held: set[tuple[str, str]] = set()
"""Of this process: the locks below do not keep a process from itself."""


class RunBusyError(SpeciateError):
    """Somebody else holds it: another process, or this one elsewhere. It may be free in a moment."""


@contextmanager
def sole_writer(database: Database, run_id: str) -> Iterator[None]:
    """Hold a run while it is searched. Raises RunBusyError if it is held already, here or elsewhere."""
    busy = RunBusyError(f"run {run_id} is being searched by another process; wait for it or end it")
    mark = (database.address, run_id)
    if mark in _held:
        raise busy
    _held.add(mark)
    try:
        path = path_of(database.url)
        with _server_lock(database, run_id, busy) if path is None else _file_lock(f"{path}-{run_id}.lock", busy):
            yield
    finally:
        _held.discard(mark)


@contextmanager
def _file_lock(name: str, busy: SpeciateError) -> Iterator[None]:
    path = Path(name)
    with _locked(path, busy):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path, busy: SpeciateError) -> TextIO:
    """Return the locked file. A file that its last holder removed meanwhile is tried anew."""
    while True:
        try:
            file = path.open("w")
        except OSError as error:
            raise SpeciateError(f"{path}: cannot be written: {error.strerror}; the archive's folder must be") from error
        try:
            # POSIX record locks, not flock: a forked judging process must not inherit the hold.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise busy from error
        # By stat, never by opening it again: closing any descriptor of a file drops this process's locks on it.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()


@contextmanager
def _server_lock(database: Database, run_id: str, busy: SpeciateError) -> Iterator[None]:
    key = int.from_bytes(hashlib.blake2b(run_id.encode(), digest_size=7).digest(), "big")
    with database.translated(), database.engine.connect() as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
            raise busy
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
            connection.commit()
