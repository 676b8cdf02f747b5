"""The trace of a call's launches, read as what anybody may have written; ``_kernel_trace`` says how it is laid out."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from speciate.simulators.gpu import Access, Program, Work

from .._contract import Status
from .._errors import CandidateFault
from .._kernel_trace import ATOMIC, HEAD, LAUNCH, LOAD, PROGRAM, STORE, WORK
from ._arena import Arena, Span

_WORD_BYTES = 8
MOST = 1 << 62
"""Of any number in a record."""
_KINDS: dict[int, Literal["load", "store", "atomic"]] = {LOAD: "load", STORE: "store", ATOMIC: "atomic"}


class Watched(NamedTuple):
    """A launch, and those of its programs that were watched."""

    grid: int
    footprint_bytes: int
    """Of all tensors that it was given."""
    programs: tuple[Program, ...]
    longest: float = 1.0
    """Steps of the program that makes most, over the mean of all; 1 where not all were counted."""


def written(arena: Arena, size: int) -> NDArray[np.int64]:
    """Return the words at the arena's beginning, behind the first, which says how many they are.

    Raises CandidateFault(PROTOCOL) where they are more than ``size`` bytes hold.
    """
    count, most = int(arena.get(Span(0, _WORD_BYTES)).view(np.int64)[0]), size // _WORD_BYTES - 1
    if not 0 <= count <= most:
        raise _malformed(0, f"expected 0 to {most} words, got {count}")
    return arena.get(Span(_WORD_BYTES, (1 + count) * _WORD_BYTES)).view(np.int64)


def launches(words: NDArray[np.int64]) -> list[Watched]:
    """Return the launches of a call in their order.

    Raises CandidateFault(PROTOCOL) for words that are no such records, or say what cannot be.
    """
    found: list[_Launch] = []
    at = 0
    while at < len(words):
        head = [int(word) for word in words[at : at + HEAD]]
        if len(head) < HEAD or not 0 <= head[3] <= len(words) - at - HEAD:
            raise _malformed(at, "expected a record that ends within the trace")
        code, first, second, count = head
        _require(at, 0 <= first <= MOST and 0 <= second <= MOST, f"expected numbers from 0 to {MOST}")
        if code == LAUNCH:
            _require(at, first >= 1, "expected a launch of one program or more")
            found.append(_Launch(first, second, _longest(at, first, words[at + HEAD : at + HEAD + count])))
        else:
            _require(at, bool(found), "expected a launch first")
            found[-1].take(at, (code, first, second), words[at + HEAD : at + HEAD + count])
        at += HEAD + count
    for launch in found:
        _require(at, 1 <= len(launch.accesses) <= launch.grid, "expected one watched program or more of each launch")
    return [launch.watched() for launch in found]


class _Launch:
    """A launch whose records are being read."""

    def __init__(self, grid: int, footprint_bytes: int, longest: float):
        self.grid = grid
        self.longest = longest
        self.footprint_bytes = footprint_bytes
        self.accesses: list[list[Access]] = []
        self.work: list[Work] = []

    def take(self, at: int, head: tuple[int, int, int], body: NDArray[np.int64]) -> None:
        """Read a record within the launch."""
        code, size, joined = head
        if code == PROGRAM:
            self.accesses.append([])
            self.work.append(Work())
            return
        _require(at, bool(self.accesses), "expected a program first")
        if code in _KINDS:
            _require(at, bool((body >= -1).all()), "expected addresses, or -1")
            try:
                self.accesses[-1].append(Access(_KINDS[code], body, body >= 0, size, joined == 1))
            except ValueError as error:
                raise _malformed(at, str(error)) from None
            return
        whole = code == WORK and len(body) == len(Work._fields) and bool((body >= 0).all())
        _require(at, whole, "expected a record that is known")
        self.work[-1] = Work(*map(float, body))

    def watched(self) -> Watched:
        programs = (Program(tuple(done), work) for done, work in zip(self.accesses, self.work, strict=True))
        return Watched(self.grid, self.footprint_bytes, tuple(programs), self.longest)


def _longest(at: int, grid: int, steps: NDArray[np.int64]) -> float:
    if len(steps) == 0:
        return 1.0
    _require(at, len(steps) == 2, "expected the steps of all programs, and of the longest")
    together, most = int(steps[0]), int(steps[1])
    _require(at, 0 <= most <= together <= min(MOST, grid * most), "expected no more steps than programs may make")
    return grid * most / together if together else 1.0


def _require(at: int, holds: bool, rule: str) -> None:
    if not holds:
        raise _malformed(at, rule)


def _malformed(at: int, rule: str) -> CandidateFault:
    return CandidateFault(Status.PROTOCOL, f"the trace of its launches, word {at}: {rule}")
