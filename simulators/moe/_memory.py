"""The experts on a device: which are there, which one goes when another needs its slot, and what is known of each."""

from collections.abc import Callable, Collection
from heapq import heappop, heappush
from math import isfinite

REVIEWS = 4
"""Experts that are looked at anew, at most, to make room for one."""

Key = tuple[int, int]
"""A layer and an expert of it."""
Ask = Callable[[Key], float]


class PriorityError(ValueError):
    """A policy answered something that is no priority."""


class Memory:
    """Slots for experts, by priority. An entry of the heap is void where the expert's number has moved on.

    To make room the lowest priority is asked for anew, and goes unless that lifts it above the next one.
    """

    def __init__(self, ask: Ask):
        self.priority: dict[Key, float] = {}
        self._ask = ask
        self._number: dict[Key, int] = {}
        self._order: list[tuple[float, int, Key]] = []
        self._numbers = 0

    def __contains__(self, key: Key) -> bool:
        return key in self.priority

    def __len__(self) -> int:
        return len(self.priority)

    def put(self, key: Key) -> None:
        """Hold an expert, or give one that is held a new priority: the answer that is asked for."""
        self._place(key, self._asked(key))

    def hold(self, key: Key) -> None:
        """Hold an expert that is about to be used, without asking; its priority is 0 until then."""
        self._place(key, 0.0)

    def floor(self) -> float:
        """Return the lowest priority that is held, 0 where nothing is."""
        while self._order and self._number.get(self._order[0][2]) != self._order[0][1]:
            heappop(self._order)
        return self._order[0][0] if self._order else 0.0

    def evict(self, kept: Collection[Key]) -> Key | None:
        """Let one go that is not among ``kept``, and return it; None where there is none."""
        passed: list[tuple[float, int, Key]] = []
        victim = None
        for review in range(REVIEWS):
            entry = self._lowest(kept, passed)
            if entry is None:
                break
            victim = entry[2]
            after = self._lowest(kept, passed)
            if after is not None:
                heappush(self._order, after)
            lifted = self._asked(victim)
            if after is None or lifted <= after[0] or review == REVIEWS - 1:
                break
            self._place(victim, lifted)
            victim = None
        for entry in passed:
            heappush(self._order, entry)
        if victim is not None:
            del self.priority[victim], self._number[victim]
        return victim

    def _lowest(self, kept: Collection[Key], passed: list[tuple[float, int, Key]]) -> tuple[float, int, Key] | None:
        """Take the lowest entry that may go off the heap; what may not is put by."""
        while self._order:
            entry = heappop(self._order)
            if self._number.get(entry[2]) != entry[1]:
                continue
            if entry[2] not in kept:
                return entry
            passed.append(entry)
        return None

    def _asked(self, key: Key) -> float:
        priority = self._ask(key)
        if not isfinite(priority):
            raise PriorityError(f"expected a finite priority, got {priority}")
        return priority

    def _place(self, key: Key, priority: float) -> None:
        """Give an expert its priority; its turn among equals is as old as that."""
        if self.priority.get(key) == priority:
            return
        self._numbers += 1
        self.priority[key], self._number[key] = priority, self._numbers
        heappush(self._order, (priority, self._numbers, key))
