"""The command in a process of its own, as one who typed it has it; what it imports is loaded already."""

import atexit
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory

from support.loaded import CONTEXT


class Command:
    """A command that was begun, with those of ``subprocess.Popen``'s methods that tests use.

    Args:
        words: what follows ``speciate``.
        cwd: its working folder.
        environment: its environment variables; None for those of this process.
    """

    def __init__(self, words: Sequence[str], cwd: Path | str, environment: Mapping[str, str] | None = None):
        self._folder = TemporaryDirectory(prefix="speciate-test-")
        self._told = [Path(self._folder.name) / name for name in ("out", "err")]
        for file in self._told:
            file.touch()
        given = (tuple(words), str(cwd), dict(environment or os.environ), *map(str, self._told))
        self._process = CONTEXT.Process(target=_follow, args=given)
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus its signal; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for its end and return what it printed. Raises TimeoutExpired after ``timeout`` seconds."""
        if not wait([self._process.sentinel], timeout):
            self._process.kill()
            raise TimeoutExpired("speciate", timeout)
        self._process.join()
        out, err = (file.read_text() for file in self._told)
        self._folder.cleanup()
        return out, err


def speciate(
    *words: str, cwd: Path | str, environment: Mapping[str, str] | None = None
) -> "CompletedProcess[str]":
    """Run ``speciate`` with these words, for five minutes at most."""
    command = Command(words, cwd, environment)
    out, err = command.communicate(300)
    return CompletedProcess(words, command.returncode, out, err)


def _follow(words: tuple[str, ...], cwd: str, environment: Mapping[str, str], out: str, err: str) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["speciate", *words]
    from speciate.__main__ import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()
