"""Layers served one after the other by a device that does not hold every expert, and a link that fetches the others.

A layer takes its attention; then it is known which experts it wants, and it waits until all of them are on the device;
then it takes their time. The link works meanwhile: first what is waited for, then what the policy wants beforehand, one
expert at a time, none broken off. What is fetched needs a slot when its transfer begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np

from ._cluster import Floats, Ints
from ._gates import Gates, Offload
from ._knowledge import Knowledge
from ._memory import Key, Memory, PriorityError

EXPERT_FIELDS = (
    "layer",
    "ahead",
    "idle",
    "uses",
    "rate",
    "streak",
    "guess",
    "companion",
    "unused",
    "priority",
)
DEVICE_FIELDS = ("now", "current", "layers", "slots", "fetch", "queued", "floor", "accuracy", "hits")
CANDIDATES = 4
"""Experts of each layer ahead that may be prefetched: those of the highest guesses."""


class Prefetching(Protocol):
    """Who decides. Both are given ``EXPERT_FIELDS`` and ``DEVICE_FIELDS`` as one flat list of floats."""

    def keep(self, observed: Sequence[float]) -> float:
        """Return the priority of an expert on the device, finite; the lowest goes first, ties by who had it first."""

    def prefetch(self, observed: Sequence[float]) -> float:
        """Return how urgent it is to fetch an expert beforehand; the highest come first, 0 or less not at all."""


@dataclass(frozen=True)
class Service:
    """What happened; times in seconds."""

    time_s: float
    compute_s: float
    """Of ``time_s``, what would be left were every expert on the device."""
    stalled_s: Floats
    """Waits for experts, shape (steps, layers)."""
    wanted: Ints
    """Experts wanted, shape (steps, layers)."""
    missed: Ints
    """Of them, those not on the device when it was known that they are wanted. Shape (steps, layers)."""
    fetched: int
    """Experts that came over the link, those still under way at the end left out."""
    prefetched: int
    """Of them, those that nobody waited for when their transfer began."""
    useless: int
    """Of those, the ones that went, or were left at the end, without having been wanted."""
    victim_idle: Ints
    """Of each expert that went, in order: steps since it was last wanted, or since the run began. Shape (victims,)."""
    guessed: float
    """Share of the highest guesses one layer ahead, as many as were wanted, that came true."""


def serve(gates: Gates, offload: Offload, prefetching: Prefetching, *, start: int = 0) -> Service:
    """Serve all steps with an empty device at first.

    Args:
        gates: what is wanted.
        offload: the device and its link.
        prefetching: decides.
        start: what the clock says at the first step.

    Raises:
        ValueError: fewer slots than the largest layer wants, and one more for what is under way.
        PriorityError: a priority or an urgency that is not finite.
    """
    if offload.slots <= gates.most:
        raise ValueError(f"expected slots > {gates.most}, which one layer wants at once, got {offload.slots}")
    run = _Run(gates, offload, prefetching, start)
    for step in range(len(gates.wanted)):
        for layer in range(run.layers):
            run.layer(step, layer)
    return run.result()


class _Run:
    """State of one run. ``now`` is the layers' time, ``free`` the moment from which the link can begin a transfer."""

    def __init__(self, gates: Gates, offload: Offload, prefetching: Prefetching, start: int):
        self.gates, self.offload, self.start = gates, offload, start
        self.ask_keep, self.ask_prefetch = prefetching.keep, prefetching.prefetch
        _, self.layers, experts = gates.wanted.shape
        self.know = Knowledge(self.layers, experts)
        self.memory = Memory(self._keep)
        self.wanted = [[np.flatnonzero(row).tolist() for row in step] for step in gates.wanted]
        self.likeliest = np.argsort(-gates.guess, axis=3, kind="stable")[..., : max(CANDIDATES, gates.most)].tolist()
        self.guess: list[list[list[list[float]]]] = gates.guess.tolist()
        self.layer_s = offload.attention_s + offload.expert_s * float(gates.wanted.sum(axis=2).mean())
        self.now = self.free = 0.0
        self.step, self.current = 0, -1
        """The layer of which it was last known what it wants."""
        self.pinned: set[Key] = set()
        self.demands: list[Key] = []
        self.wishes: dict[Key, float] = {}
        self.flight: tuple[Key, float, bool] | None = None
        """The expert under way, when it lands, and whether nobody waited for it."""
        self.unused: set[Key] = set()
        self.stalled: list[float] = []
        self.missed: list[int] = []
        self.victim_idle: list[int] = []
        self.fetched = self.prefetched = self.useless = self.right = self.told = 0

    def layer(self, step: int, layer: int) -> None:
        """Serve one layer of one step."""
        self._advance(self.now + self.offload.attention_s)
        self.step, self.current = step, layer
        experts = self.wanted[step][layer]
        keys = [(layer, expert) for expert in experts]
        self._known(step, layer, keys, experts)
        self._wish(step, layer)
        began = self.now
        while any(key not in self.memory for key in keys):
            self._advance(self.flight[1] if self.flight else self.now)
        self.stalled.append(self.now - began)
        self._advance(self.now + self.offload.expert_s * len(keys))
        self.pinned = set()
        for key in keys:
            self.unused.discard(key)
            self.memory.put(key)

    def _known(self, step: int, layer: int, keys: list[Key], experts: list[int]) -> None:
        """Take note of what the layer wants: what is missing is waited for, other wishes for the layer are void."""
        missing = [key for key in keys if key not in self.memory]
        self.missed.append(len(missing))
        self.know.hits.count(len(keys) - len(missing), len(keys))
        if step or layer:
            first = self.likeliest[0][step][layer][: len(keys)]
            right = len(set(first) & set(experts))
            self.right, self.told = self.right + right, self.told + len(keys)
            self.know.guesses.count(right, len(keys))
        self.know.serve(step, layer, experts)
        self.pinned = set(keys)
        under_way = self.flight[0] if self.flight else None
        self.demands = [key for key in missing if key != under_way]
        self.wishes = {key: answer for key, answer in self.wishes.items() if key[0] != layer}

    def _wish(self, step: int, layer: int) -> None:
        """Ask about the likeliest experts of the next layers that are not on the device."""
        under_way = self.flight[0] if self.flight else None
        for ahead in range(1, len(self.likeliest) + 1):
            turn, there = divmod(layer + ahead, self.layers)
            if step + turn == len(self.wanted):
                break
            for expert in self.likeliest[ahead - 1][step + turn][there][:CANDIDATES]:
                key = (there, expert)
                if key in self.memory or key == under_way:
                    continue
                urgency = self.ask_prefetch(self._observed(key))
                if not isfinite(urgency):
                    raise PriorityError(f"expected a finite urgency, got {urgency}")
                self.wishes.pop(key, None)
                if urgency > 0.0:
                    self.wishes[key] = urgency

    def _advance(self, to: float) -> None:
        """Let the link work until ``to``, and set the time to it."""
        while True:
            if self.flight is not None:
                if self.flight[1] > to:
                    break
                self._land()
                continue
            begun = self._next()
            if begun is None:
                self.free = max(self.free, to)
                break
            self.flight = (begun[0], self.free + self.offload.fetch_s, begun[1])
        self.now = to

    def _next(self) -> tuple[Key, bool] | None:
        """Take what is fetched next, with a slot for it, and whether nobody waits for it; None where nothing is."""
        if self.demands:
            key, beforehand = self.demands.pop(0), False
        elif self.wishes:
            key, beforehand = max(self.wishes, key=lambda each: (self.wishes[each], -each[0], -each[1])), True
            del self.wishes[key]
        else:
            return None
        if len(self.memory) >= self.offload.slots:
            victim = self.memory.evict(self.pinned)
            if victim is None:
                return None
            self.victim_idle.append(self.know.idle(victim, self.step))
            self.useless += victim in self.unused
            self.unused.discard(victim)
        return key, beforehand

    def _land(self) -> None:
        """Put what was under way on the device."""
        assert self.flight is not None
        key, landed, beforehand = self.flight
        self.flight, self.free = None, landed
        self.fetched += 1
        self.prefetched += beforehand
        if beforehand:
            self.unused.add(key)
        if key in self.pinned:
            self.memory.hold(key)
        else:
            self.memory.put(key)

    def _keep(self, key: Key) -> float:
        return self.ask_keep(self._observed(key))

    def _observed(self, key: Key) -> list[float]:
        """Return what is shown of an expert and of the device; see ``EXPERT_FIELDS`` and ``DEVICE_FIELDS``."""
        layer, expert = key
        know, step = self.know, self.step
        ahead = (layer - self.current - 1) % self.layers + 1
        turn = step + (layer <= self.current)
        told = ahead <= len(self.guess) and turn < len(self.guess[0])
        return [
            float(layer),
            float(ahead),
            float(know.idle(key, step)),
            float(know.uses[layer][expert]),
            know.rate(key, step),
            float(know.streak[layer][expert]) if know.last[layer][expert] >= step - 1 else 0.0,
            self.guess[ahead - 1][turn][layer][expert] if told else 0.0,
            know.companion(key) if layer == self.current + 1 else 0.0,
            float(key in self.unused),
            self.memory.priority.get(key, 0.0),
            float(self.start + step),
            float(self.current),
            float(self.layers),
            float(self.offload.slots),
            self.offload.fetch_s / self.layer_s,
            float(len(self.demands) + len(self.wishes)) + (self.flight is not None),
            self.memory.floor(),
            know.guesses.share,
            know.hits.share,
        ]

    def result(self) -> Service:
        """Return what happened."""
        shape = self.gates.wanted.shape[:2]
        return Service(
            time_s=self.now,
            compute_s=self.offload.compute_s(self.gates),
            stalled_s=np.array(self.stalled).reshape(shape),
            wanted=self.gates.wanted.sum(axis=2),
            missed=np.array(self.missed, dtype=np.int64).reshape(shape),
            fetched=self.fetched,
            prefetched=self.prefetched,
            useless=self.useless + len(self.unused),
            victim_idle=np.array(self.victim_idle, dtype=np.int64),
            guessed=self.right / self.told if self.told else 0.0,
        )
