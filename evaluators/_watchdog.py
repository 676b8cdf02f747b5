"""The one thread that watches a candidate's process: clocks, output, and the kill."""

import os
import select
import threading
import time

from ._contract import Status
from ._errors import CandidateFault, SandboxError
from ._problem import Limits
from .sandbox import SandboxProcess

POLL_MS = 50


class Watchdog:
    """Holds one started process to its limits, and drains its log so that a flood cannot block it.

    The judge only increments ``calls``: odd while an answer is awaited, even otherwise. Nothing on its hot
    path asks for the time. A breach is recorded before the kill, so whoever then reads end-of-file on the
    answer pipe finds it.
    """

    def __init__(self, process: SandboxProcess, limits: Limits):
        self.calls = [0]
        self.starting = False
        """Whether the awaited answer is to ``begin``, which has a limit of its own."""
        self.breach: CandidateFault | SandboxError | None = None
        self._process = process
        self._limits = limits
        self._wake = os.eventfd(0)
        self._started = time.monotonic()
        self._output = 0
        self._thread = threading.Thread(target=self._run, name="speciate-watchdog", daemon=True)

    def start(self) -> None:
        """Start watching. ``wall_s`` counts from the construction."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and wait for the thread. Call once."""
        if self._thread.ident is not None:
            os.eventfd_write(self._wake, 1)
            self._thread.join()
        os.close(self._wake)

    def elapsed_s(self) -> float:
        """Return wall seconds since construction."""
        return time.monotonic() - self._started

    def _run(self) -> None:
        try:
            self._watch()
        except OSError as error:
            self._end(SandboxError(f"the watchdog failed: {error}"))

    def _watch(self) -> None:
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        poller.register(self._process.log, select.POLLIN)
        seen, since = self.calls[0], time.monotonic()
        while True:
            for descriptor, _ in poller.poll(POLL_MS):
                if descriptor == self._wake:
                    return
                if not self._drain():
                    poller.unregister(descriptor)
            now, calls = time.monotonic(), self.calls[0]
            if calls != seen or calls % 2 == 0:
                seen, since = calls, now
            if self.breach is None:
                fault = self._over_limit(now - since)
                if fault is not None:
                    self._end(fault)

    def _drain(self) -> bool:
        """Read and forget what the candidate printed; False when its end of the log is closed."""
        data = os.read(self._process.log, 65536)
        self._output += len(data)
        return bool(data)

    def _over_limit(self, waited_s: float) -> CandidateFault | None:
        limits = self._limits
        if self._output > limits.output_bytes:
            detail = f"printed more than the {limits.output_bytes} bytes allowed to stdout and stderr"
            return CandidateFault(Status.OUTPUT_LIMIT, detail)
        if self._process.cpu_s() > limits.cpu_s:
            return CandidateFault(Status.TIMEOUT, f"used more than its {limits.cpu_s:g} CPU seconds")
        if self.starting and waited_s > limits.start_wall_s:
            return CandidateFault(Status.TIMEOUT, f"the module did not load in {limits.start_wall_s:g} s")
        if not self.starting and waited_s > limits.decision_wall_s:
            return CandidateFault(Status.TIMEOUT, f"one answer took longer than {limits.decision_wall_s:g} s")
        if self.elapsed_s() > limits.wall_s:
            return CandidateFault(Status.TIMEOUT, f"not finished within {limits.wall_s:g} wall seconds")
        return None

    def _end(self, reason: CandidateFault | SandboxError) -> None:
        self.breach = reason
        self._process.kill()
