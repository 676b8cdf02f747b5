"""Kernels whose time is a formula: for what no clock of a busy machine could show, or no machine here can do."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from speciate.evaluators import CandidateFault, KernelProblem, Status
from speciate.evaluators.kernel._arena import Arena, Slot
from speciate.evaluators.kernel._session import Lap


class StandIn:
    """Answers as the reference does, in this process; what ``timed`` asks of a kernel and of a bar.

    Args:
        problem: whose reference answers.
        seconds: of one call, from the address of its first input.
    """

    def __init__(self, problem: KernelProblem, seconds: Callable[[int], float]):
        self.arena = Arena(problem.arena_bytes)
        self.cpu = min(os.sched_getaffinity(0))
        self.off_clock_s = 0.0
        self.watchdog = self
        self.laps = 0
        self._problem = problem
        self._seconds = seconds
        self._slots: Sequence[Slot] = ()

    def begin(self) -> None:
        """It has no limits that could begin anew."""

    def rest(self) -> AbstractContextManager[None]:
        return nullcontext()

    def prepare(self, slots: Sequence[Slot]) -> None:
        self._slots = slots

    def run(self) -> Lap:
        self.laps += 1
        seconds = 0.0
        for slot in self._slots:
            spans = dict(zip((each.name for each in slot.interface.buffers), slot.buffers, strict=True))
            inputs = {
                each.name: self.arena.get(spans[each.name]).view(each.dtype).reshape(each.dimensions(slot.sizes))
                for each in slot.interface.inputs
            }
            for name, values in self._problem.reference(inputs, slot.sizes, np.float32).items():
                self.arena.put(spans[name].start, values)
            seconds += self._seconds(slot.buffers[0].start)
        return Lap(seconds, seconds)

    def wrong(self, detail: str, status: Status = Status.INCORRECT) -> CandidateFault:
        return CandidateFault(status, detail)


class Device:
    """Memory behind a cache of which a kernel may claim a part: what it claimed stays there when the rest is flushed.

    Args:
        room: inputs that may be claimed; the first ones that are read are.
        hit_s: seconds to work on an input that is claimed.
        miss_s: seconds to work on any other.
    """

    def __init__(self, room: int, hit_s: float, miss_s: float):
        self._room = room
        self._hit_s = hit_s
        self._miss_s = miss_s
        self._claimed: set[int] = set()

    def call(self, address: int) -> float:
        """Return the seconds of a call on the input at ``address``, and claim it where there is room."""
        if address in self._claimed:
            return self._hit_s
        if len(self._claimed) < self._room:
            self._claimed.add(address)
        return self._miss_s
