"""A process of ours that serves calls outside of any sandbox: nothing that a candidate wrote runs in it."""

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from .._errors import SpeciateError
from .._link import write_all
from .._worker import ANSWER, DETAIL_BYTES
from ..sandbox._interpreter import ONE_THREAD, arguments, worker_code
from ..sandbox._kind import CpuClock, Pipes, control
from ._arena import Arena
from ._session import DONE

_UNCONFINED = "def attend(ask, answer, settings):\n    os.write(answer, ANSWER.pack(OK, 0.0))\n    serve(ask, answer)\n"
"""What makes a worker serve without giving anything up first: all else about it is as in a sandbox."""
_END_S = 5.0
_KEPT = frozenset(
    {"CC", "CXX", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "TMPDIR", "USER", "XDG_CACHE_HOME"}
)
_KEPT_OF = ("CUDA_", "TORCH", "TRITON_")
"""What such a process is given of this one's environment: what libraries and a compiler need. No keys: beside it runs
device code of candidates, and on some machines a GPU reads all memory of the process that drives it."""


def _kept() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_KEPT_OF)}


class TrustedError(SpeciateError):
    """It did not answer that all is well."""

    def __init__(self, told: str, status: int | None = None):
        super().__init__(told)
        self.status = status
        """What it said itself; None where it ended or was late."""


class LateError(TrustedError):
    """It had not answered in time, and was killed."""


class Trusted:
    """A worker outside of any sandbox. Close it.

    Args:
        arena: memory that it shares with the judge; closed with it.
        cpu: the core that it is pinned to; None for where this thread may run.
        environment: beside this process's own.

    Raises TrustedError where it does not start.
    """

    def __init__(self, arena: Arena, cpu: int | None = None, environment: Mapping[str, str] = {}):
        self._arena = arena
        self._folder = tempfile.TemporaryDirectory(prefix="speciate-trusted-")
        pipes = Pipes()
        try:
            self._process = subprocess.Popen(
                arguments(),
                stdin=pipes.child_ask,
                stdout=pipes.child_answer,
                stderr=subprocess.DEVNULL,
                pass_fds=(arena.descriptor,),
                env={**_kept(), **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
                cwd="/",
            )
        except OSError as error:
            pipes.close()
            self._free()
            raise TrustedError(f"its process did not start: {error}") from error
        finally:
            pipes.close_child_ends()
        self._pipes = pipes
        self._clock = CpuClock(self._process.pid)
        if cpu is not None:
            os.sched_setaffinity(self._process.pid, {cpu})

    def load(self, message: Mapping[str, Any], limit_s: float | None = None) -> None:
        """Have it serve in the way of ``message``. Raises TrustedError; then it is closed."""
        told = {"arena": self._arena.descriptor, "folder": self._folder.name, **message}
        try:
            self.say(worker_code() + control({"room": _UNCONFINED}), limit_s)
            self.say(control(told), limit_s)
            self._folder.cleanup()  # What was loaded from there is in memory, and who is killed later leaves nothing.
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used."""
        return self._clock.read_s()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def say(self, question: bytes, limit_s: float | None = None) -> bytes:
        """Return what it answers beside that all is well, most often nothing.

        Raises TrustedError with its words where it says otherwise or has ended, LateError after ``limit_s`` seconds.
        """
        answer = self._pipes.answer
        try:
            write_all(self._pipes.ask, question)
            if limit_s is not None and not select.select([answer], [], [], limit_s)[0]:
                self._process.kill()
                raise LateError(f"it did not answer within {limit_s:g} s")
            data = os.read(answer, ANSWER.size)
        except BrokenPipeError:
            data = b""
        if data == DONE:
            return b""
        if len(data) < ANSWER.size:
            raise TrustedError("its process ended")
        status, length = ANSWER.unpack(data)
        payload = os.read(answer, min(int(length), DETAIL_BYTES))
        if status != 0:
            raise TrustedError(payload.decode(errors="replace"), int(status))
        return payload

    def close(self) -> None:
        """End it and free its memory. Safe to repeat."""
        if self._process.returncode is None:
            self._pipes.close()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._free()

    def _free(self) -> None:
        self._arena.close()
        self._folder.cleanup()
