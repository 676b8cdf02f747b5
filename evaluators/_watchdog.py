"""The one thread that watches a candidate's process: clocks, output, and the kill."""

import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ._contract import Status
from ._errors import CandidateFault, SandboxError
from ._problem import Limits
from .sandbox import SandboxProcess

POLL_MS = 50


class _Mark(NamedTuple):
    """An instant on the two clocks that are watched."""

    wall_s: float
    cpu_s: float


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
        self._resting = False
        self.breach: CandidateFault | SandboxError | None = None
        self._process = process
        self._limits = limits
        self._wake = os.eventfd(0)
        self._started = time.monotonic()
        self._workload = _Mark(self._started, 0.0)
        self._output = 0
        self._thread = threading.Thread(target=self._run, name="speciate-watchdog", daemon=True)

    def start(self) -> None:
        """Start watching. ``wall_s`` and ``cpu_s`` count from the construction until ``begin`` is called."""
        self._thread.start()

    def begin(self) -> None:
        """Start a workload's own clocks: what earlier ones used is neither charged to it nor saved for it."""
        self._workload = self._now()

    @contextmanager
    def rest(self) -> Iterator[None]:
        """Charge no wall time to the workload while the judge waits for something that is not the candidate's."""
        self._resting, since = True, time.monotonic()
        try:
            yield
        finally:
            began = self._workload
            self._workload = began._replace(wall_s=began.wall_s + time.monotonic() - since)
            self._resting = False

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
        seen, asked = self.calls[0], self._now()
        while True:
            for descriptor, _ in poller.poll(POLL_MS):
                if descriptor == self._wake:
                    return
                if not self._drain():
                    poller.unregister(descriptor)
            calls, now = self.calls[0], self._now()
            if calls != seen or calls % 2 == 0:
                seen, asked = calls, now
            if self.breach is None:
                fault = self._over_limit(asked, now)
                if fault is not None:
                    self._end(fault)

    def _drain(self) -> bool:
        """Read and forget what the candidate printed; False when its end of the log is closed."""
        data = os.read(self._process.log, 65536)
        self._output += len(data)
        return bool(data)

    def _now(self) -> _Mark:
        return _Mark(time.monotonic(), self._process.cpu_s())

    def _over_limit(self, asked: _Mark, now: _Mark) -> CandidateFault | None:
        """Return the fault of a limit passed by ``now``, with the present answer awaited since ``asked``."""
        limits, began = self._limits, self._workload
        if self._output > limits.output_bytes:
            detail = f"printed more than the {limits.output_bytes} bytes allowed to stdout and stderr"
            return CandidateFault(Status.OUTPUT_LIMIT, detail)
        if now.cpu_s - began.cpu_s > limits.cpu_s:
            return _timeout(limits, "cpu_s", "used more than {:g} CPU seconds on one workload")
        if self.starting:
            if now.wall_s - asked.wall_s > limits.start_wall_s:
                return _timeout(limits, "start_wall_s", "the module did not load in {:g} s")
        elif now.cpu_s - asked.cpu_s > limits.decision_cpu_s:
            return _timeout(limits, "decision_cpu_s", "one answer took more than {:g} CPU seconds")
        elif now.wall_s - asked.wall_s > limits.decision_wall_s:
            return _timeout(limits, "decision_wall_s", "one answer took longer than {:g} s")
        if not self._resting and now.wall_s - began.wall_s > limits.wall_s:
            return _timeout(limits, "wall_s", "one workload was not finished within {:g} wall seconds")
        return None

    def _end(self, reason: CandidateFault | SandboxError) -> None:
        self.breach = reason
        self._process.kill()


def _timeout(limits: Limits, name: str, words: str) -> CandidateFault:
    allowed = float(getattr(limits, name))
    return CandidateFault(Status.TIMEOUT, words.format(allowed), limit=name, after_s=allowed)
