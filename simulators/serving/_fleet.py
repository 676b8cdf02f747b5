"""A fleet of equal replicas that grows and shrinks: what each of them is doing, and what it costs.

A replica is off, starting (paid for, and of no use before its lag has passed), up, or draining: it takes no new
request, finishes those it has, and is then off. A fleet that is to grow takes draining replicas back first, and then
starts others; one that is to shrink gives up the latest of the starting ones first, and then drains those with the
fewest requests. Ties go to the lowest index.
"""

from dataclasses import dataclass

from ._replica import Replica
from ._trace import ReplicaSpec

OFF, STARTING, UP, DRAINING = range(4)


@dataclass(frozen=True)
class FleetSpec:
    """Limits of a fleet. Times are seconds."""

    most: int
    """Replicas there can be, >= ``least``."""
    least: int = 1
    """Replicas that are always wanted, >= 1."""
    first: int = 1
    """Replicas that are up at the start."""
    start_s: float = 90.0
    """From the decision to the first request a new replica can take."""
    tick_s: float = 15.0
    """Between decisions."""
    most_outstanding: int = 64
    """Requests a replica is given at a time; the others wait centrally, first come first served."""

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.first <= self.most:
            raise ValueError(f"1 <= least <= first <= most must hold, got {self.least=}, {self.first=}, {self.most=}")
        if not (0.0 <= self.start_s < 1e6 and 0.0 < self.tick_s < 1e6) or self.most_outstanding < 1:
            raise ValueError(
                f"start_s >= 0, tick_s > 0, most_outstanding >= 1 must hold, got {self.start_s=}, {self.tick_s=}, "
                f"{self.most_outstanding=}"
            )


class Fleet:
    """The states of the replicas, who has how much to do, and the seconds paid for."""

    def __init__(self, spec: FleetSpec, specs: tuple[ReplicaSpec, ...], replicas: list[Replica], now: float):
        self.spec = spec
        self.specs = specs
        self.replicas = replicas
        self.states = [UP if index < spec.first else OFF for index in range(spec.most)]
        self.outstanding = [0] * spec.most
        """Requests placed on each and not finished."""
        self.since = [now] * spec.most
        """When each was last turned on."""
        self.ready_s = [now] * spec.most
        self.paid_s = [0.0] * spec.most
        self.starts = self.drains = self.recalls = self.cancels = 0

    def count(self, state: int) -> int:
        """Return how many replicas are in a state."""
        return self.states.count(state)

    def wanted(self) -> int:
        """Return how many replicas are up or starting."""
        return self.count(UP) + self.count(STARTING)

    def least_loaded(self) -> int:
        """Return the replica that is up and has the fewest requests, if it may be given one more; else -1."""
        fewest, chosen = self.spec.most_outstanding, -1
        for index, count in enumerate(self.outstanding):
            if count < fewest and self.states[index] == UP:
                fewest, chosen = count, index
        return chosen

    def resize(self, now: float, wanted: int) -> list[tuple[float, int]]:
        """Move towards ``wanted`` replicas. Returns (time it is ready, index) of those that now start."""
        change = wanted - self.wanted()
        started = []
        for _ in range(change):
            if (index := self._most_loaded(DRAINING)) >= 0:
                self.states[index] = UP
                self.recalls += 1
            else:
                started.append(self._start(now))
        for _ in range(-change):
            if (index := self._latest_start()) >= 0:
                self.cancels += 1
                self._stop(now, index)
            else:
                self._drain(now)
        return started

    def become_ready(self, now: float, index: int) -> bool:
        """Let a replica that has started take requests. Returns False if that start was given up."""
        if self.states[index] != STARTING or self.ready_s[index] != now:
            return False
        self.states[index] = UP
        return True

    def release(self, now: float, index: int, finished: int) -> None:
        """Take note that requests finished on a replica; one that drained and is empty is turned off."""
        self.outstanding[index] -= finished
        if self.states[index] == DRAINING and not self.outstanding[index]:
            self._stop(now, index)

    def close(self, now: float) -> None:
        """Turn everything off: the run is over."""
        for index, state in enumerate(self.states):
            if state != OFF:
                self._stop(now, index)

    def _start(self, now: float) -> tuple[float, int]:
        index = self.states.index(OFF)
        self.states[index] = STARTING
        self.since[index] = now
        self.ready_s[index] = ready = now + self.spec.start_s
        self.starts += 1
        return ready, index

    def _stop(self, now: float, index: int) -> None:
        self.states[index] = OFF
        self.paid_s[index] += now - self.since[index]

    def _drain(self, now: float) -> None:
        up = [index for index, state in enumerate(self.states) if state == UP]
        index = min(up, key=lambda each: (self.outstanding[each], each))
        self.states[index] = DRAINING
        self.drains += 1
        self.release(now, index, 0)

    def _most_loaded(self, state: int) -> int:
        found = [index for index, each in enumerate(self.states) if each == state]
        return max(found, key=lambda each: (self.outstanding[each], -each)) if found else -1

    def _latest_start(self) -> int:
        found = [index for index, state in enumerate(self.states) if state == STARTING]
        return max(found, key=lambda each: (self.ready_s[each], -each)) if found else -1
