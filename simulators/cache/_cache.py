"""A cache that lets go what has the lowest priority, after a second look.

An object's priority is asked for when it is stored and on each hit. When a place is needed, the object of the
lowest priority is reviewed: a new priority is asked for, and it goes unless that lifts it to the next one's or above.
Priorities alone are FIFO, LRU, LFU and all that trusts a prediction; reviews add the second chances of CLOCK, SIEVE
and S3-FIFO.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf, isfinite, log
from typing import Protocol

import numpy as np
import numpy.typing as npt

OBJECT_FIELDS = ("idle", "age", "hits", "asked", "ghost", "predicted", "priority", "fresh")
CACHE_FIELDS = ("now", "capacity", "floor", "error", "guesses")
MEMORY = 0.998
"""By how much the remembered error of predictions fades with each new one: about the last 500 count."""
FIRST_ERROR = 1.0
"""What ``error`` says before the first prediction has come true."""
GHOSTS = 4
"""Evicted objects are remembered for so many capacities of requests."""


class EventLimitError(Exception):
    """The run passed its limit of reviews."""


class DecisionError(Exception):
    """A policy answered something that is no priority."""


class Ordering(Protocol):
    """Who decides. Both are given ``OBJECT_FIELDS`` and ``CACHE_FIELDS`` as one flat list of floats."""

    def priority(self, observed: Sequence[float]) -> float:
        """Return the priority of an object that is stored or hit, finite; ties go to who had it first."""

    def review(self, observed: Sequence[float]) -> float:
        """Return the priority of the object that is lowest while a place is needed."""


@dataclass(frozen=True)
class Outcome:
    """What happened to each request; arrays of shape (n,)."""

    hit: npt.NDArray[np.bool_]
    victim_idle: npt.NDArray[np.float64]
    """Of each eviction, in order: requests since the victim was wanted last. Shape (evictions,)."""
    victim_hits: npt.NDArray[np.int64]
    """Of each eviction: hits since the victim was stored. Shape (evictions,)."""
    reviews: int
    """Reviews that were asked for."""

    @property
    def misses(self) -> int:
        """Requests that were not held."""
        return int(len(self.hit) - self.hit.sum())


def simulate(
    objects: npt.ArrayLike,
    predicted: npt.ArrayLike,
    capacity: int,
    ordering: Ordering,
    *,
    start: int = 0,
    review_limit: int | None = None,
) -> Outcome:
    """Run the requests through an empty cache.

    Args:
        objects: ids in order of request, shape (n,), integers >= 0.
        predicted: guess, at each request, of the requests until the same object is wanted again, shape (n,), > 0.
        capacity: objects that are held, >= 1.
        ordering: decides.
        start: what the clock says before the first request.
        review_limit: reviews in all, None for no limit; one eviction never takes more than ``capacity + 1``.

    Raises:
        ValueError: an empty trace, or arrays and numbers that cannot be; names the first request that is wrong.
        DecisionError: a priority that is not finite.
        EventLimitError: beyond ``review_limit``.
    """
    wanted, guesses = np.asarray(objects), np.asarray(predicted, dtype=np.float64)
    if wanted.ndim != 1 or not len(wanted) or wanted.shape != guesses.shape:
        raise ValueError(
            f"objects and predicted must have one shape (n,) with n >= 1, got {wanted.shape}, {guesses.shape}"
        )
    if not np.issubdtype(wanted.dtype, np.integer) or wanted.min() < 0:
        raise ValueError(f"objects must be integers >= 0, but request {int(np.argmin(wanted))} wants {wanted.min()}")
    wrong = np.flatnonzero(~(np.isfinite(guesses) & (guesses > 0)))
    if len(wrong):
        raise ValueError(f"predicted must be finite and > 0, but request {wrong[0]} has {guesses[wrong[0]]}")
    if capacity < 1:
        raise ValueError(f"capacity >= 1 must hold, got {capacity}")
    run = _Run(capacity, ordering, inf if review_limit is None else review_limit)
    return run.through(wanted.tolist(), guesses.tolist(), float(start))


class _Held:
    """One object in the cache."""

    __slots__ = ("guess", "hits", "number", "priority", "stored", "used")

    def __init__(self, now: float):
        self.stored = self.used = now
        self.hits = 0
        self.priority = 0.0
        self.number = 0
        self.guess = 0.0


class _Run:
    """State of one run. An entry of the heap is void where the object's number has moved on."""

    def __init__(self, capacity: int, ordering: Ordering, limit: float):
        self.capacity = capacity
        self.ask_priority, self.ask_review = ordering.priority, ordering.review
        self.limit = limit
        self.held: dict[int, _Held] = {}
        self.order: list[tuple[float, int, int]] = []
        self.asked: dict[int, int] = {}
        self.gone: dict[int, float] = {}
        self.last_use: dict[int, tuple[float, float]] = {}
        """By object: when it was wanted last, and the guess made then."""
        self.floor = 0.0
        self.error_sum = self.error_count = 0.0
        self.numbers = self.reviews = 0
        self.victim_idle: list[float] = []
        self.victim_hits: list[int] = []

    def through(self, objects: list[int], guesses: list[float], now: float) -> Outcome:
        """Handle every request in turn."""
        hit = []
        held, asked = self.held, self.asked
        for wanted, guess in zip(objects, guesses, strict=True):
            now += 1.0
            self._learn(wanted, now)
            asked[wanted] = asked.get(wanted, 0) + 1
            found = held.get(wanted)
            hit.append(found is not None)
            if found is None:
                if len(held) == self.capacity:
                    self._evict(now)
                found = _Held(now)
                found.guess = guess
                observed = self._observed(wanted, found, now, 1.0)
                held[wanted] = found
                self.gone.pop(wanted, None)
            else:
                found.hits += 1
                found.guess = guess
                observed = self._observed(wanted, found, now, 0.0)
            found.used = now
            self.last_use[wanted] = (now, guess)
            self._place(wanted, found, self.ask_priority(observed))
        hits_of_victims = np.array(self.victim_hits, dtype=np.int64)
        return Outcome(np.array(hit), np.array(self.victim_idle), hits_of_victims, self.reviews)

    def _learn(self, wanted: int, now: float) -> None:
        """Compare the guess that was made of this use with it."""
        last = self.last_use.get(wanted)
        if last is not None:
            self.error_sum = MEMORY * self.error_sum + abs(log(last[1] / (now - last[0])))
            self.error_count = MEMORY * self.error_count + 1.0

    def _observed(self, name: int, held: _Held, now: float, fresh: float) -> list[float]:
        """Return what is shown of an object and of the cache; see ``OBJECT_FIELDS`` and ``CACHE_FIELDS``."""
        last = self.last_use.get(name)
        left = self.gone.get(name)
        remembered = left is not None and now - left <= GHOSTS * self.capacity
        return [
            now - last[0] if last is not None else 0.0,
            now - held.stored,
            float(held.hits),
            float(self.asked.get(name, 0)),
            now - left if remembered and left is not None else 0.0,
            held.guess,
            held.priority,
            fresh,
            now,
            float(self.capacity),
            self.floor,
            self.error_sum / self.error_count if self.error_count else FIRST_ERROR,
            self.error_count,
        ]

    def _place(self, name: int, held: _Held, priority: float) -> None:
        """Give a held object its priority; its turn among equals is as old as that."""
        if not isfinite(priority):
            raise DecisionError(f"a priority must be finite, got {priority}")
        if held.number and priority == held.priority:
            return
        self.numbers += 1
        held.priority, held.number = priority, self.numbers
        heappush(self.order, (priority, self.numbers, name))

    def _lowest(self) -> tuple[float, int, int] | None:
        """Return the entry of the lowest priority that holds, leaving it where it is."""
        order, held = self.order, self.held
        while order:
            entry = order[0]
            found = held.get(entry[2])
            if found is not None and found.number == entry[1]:
                return entry
            heappop(order)
        return None

    def _evict(self, now: float) -> None:
        """Review the lowest until one is not lifted to the next or above it, and let it go."""
        order = self.order
        for left in range(self.capacity, -1, -1):
            entry = self._lowest()
            assert entry is not None
            heappop(order)
            name, found = entry[2], self.held[entry[2]]
            self.reviews += 1
            if self.reviews > self.limit:
                raise EventLimitError(f"{self.limit:g} reviews, and the trace is not at its end")
            priority = self.ask_review(self._observed(name, found, now, 0.0))
            after = self._lowest()
            if after is None or priority <= entry[0] or priority < after[0] or left == 0:
                break
            self._place(name, found, priority)
        if not isfinite(priority):
            raise DecisionError(f"a priority must be finite, got {priority}")
        del self.held[name]
        self.floor = priority
        self.gone[name] = now
        self.victim_idle.append(now - found.used)
        self.victim_hits.append(found.hits)
