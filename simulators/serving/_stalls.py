"""Seconds by which tokens come later than a reader wants them after the one before: counted once an iteration.

All requests that decode in an iteration wait for it alike, so one running sum serves them all: what a request
stalled is the sum when it left less the sum when it joined. What passes while it is preempted is its own.
"""

import numpy as np

from ._arrays import Floats


class Stalls:
    """The stalls of one replica's requests. Times are seconds."""

    __slots__ = ("_from", "_gap_s", "_gaps", "_last_s", "_total", "stall_s")

    def __init__(self, requests: int, gap_s: float):
        self._gap_s = gap_s
        self._total = 0.0
        self._from = [0.0] * requests
        self._last_s = [0.0] * requests
        self._gaps: list[tuple[float, float, int, int]] = []
        """(first, step, count, requests): gaps of first, first + step, ... seconds, each of so many requests."""
        self.stall_s = [0.0] * requests
        """Of each request, as far as it has left."""

    def pass_(self, first: float, step: float, count: int, requests: int) -> None:
        """Let ``count`` iterations of first, first + step, ... seconds pass in which ``requests`` decode."""
        self._gaps.append((first, step, count, requests))
        if first + step * (count - 1) > self._gap_s:
            self._total += excess_s(first, step, count, self._gap_s)

    def join(self, request: int) -> None:
        """Let ``request`` wait for iterations from here on."""
        self._from[request] = self._total

    def leave(self, request: int) -> None:
        """Let ``request`` wait for them no more."""
        self.stall_s[request] += self._total - self._from[request]

    def interrupt(self, request: int, now: float) -> None:
        """Take note that ``request`` is preempted; its last token came at ``now``."""
        self._last_s[request] = now

    def resume(self, request: int, now: float) -> None:
        """Let a preempted request yield its next token at ``now``."""
        gap = now - self._last_s[request]
        self._gaps.append((gap, 0.0, 1, 1))
        self.stall_s[request] += max(0.0, gap - self._gap_s)

    def gaps(self) -> tuple[Floats, Floats]:
        """Return all gaps between tokens, in ascending order (s), and how many requests had each; shape (m,)."""
        first, step, count, requests = (
            (np.array(column) for column in zip(*self._gaps, strict=True)) if self._gaps else (np.zeros(0),) * 4
        )
        repeats = count.astype(np.int64)
        position = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        seconds = np.repeat(first, repeats) + position * np.repeat(step, repeats)
        order = np.argsort(seconds, kind="stable")
        return seconds[order], np.repeat(requests, repeats)[order].astype(np.float64)


def excess_s(first: float, step: float, count: int, gap: float) -> float:
    """Return the seconds above ``gap`` of ``count`` intervals of first, first + step, first + 2 step, ... (s)."""
    if first > gap:
        skipped = 0
    elif step <= 0.0:
        return 0.0
    else:
        skipped = min(count, int((gap - first) / step) + 1)
    kept = count - skipped
    return kept * (first - gap) + 0.5 * step * kept * (skipped + count - 1)


def quantile(seconds: Floats, weight: Floats, share: float) -> float:
    """Return the least of the ascending ``seconds`` that ``share`` of the weight does not exceed; 0 of none."""
    if not len(seconds):
        return 0.0
    below = np.cumsum(weight)
    return float(seconds[min(int(np.searchsorted(below, share * below[-1])), len(seconds) - 1)])
