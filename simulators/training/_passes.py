"""Passes on devices: whenever a device is free it runs the ready pass of the lowest rank, or waits for another.

A forward pass is ready when the stage before has sent its output; it needs room for its activation, besides room for
one micro-batch in each later stage on the same device, without which two stages could block each other for ever. A
backward pass is ready when the stage behind has sent its gradient (in the last stage: at the end of the forward pass),
a weights' pass when the backward pass on its stage has ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import isfinite
from typing import NamedTuple

import numpy as np

from ._pipeline import Floats, Ints, Pipeline

PASS_FIELDS = ("forward", "backward", "weight", "time_s", "memory", "ready_s", "path_s", "micro", "chunk")
DEVICE_FIELDS = ("index", "free", "held", "flying", "begun", "weights", "left_s", "coming_s", "coming_backward")
PIPELINE_FIELDS = ("devices", "micros", "chunks", "transfer_s", "forward_s", "backward_s", "weight_s", "kept")
FORWARD, BACKWARD, WEIGHT = range(3)
TIES = (1, 0, 2)
"""Place of forward, backward and weights among passes of one rank."""
ROUNDING = 1e-9
"""Share of a device's memory by which sums of activations may be off."""

Rank = Callable[[Sequence[float]], float]
"""Answers the rank, finite, of a pass that could start on a device now: the lowest runs, unless it is above 0. It is
given ``PASS_FIELDS``, ``DEVICE_FIELDS`` and ``PIPELINE_FIELDS`` as one flat list of floats."""


class DecisionError(Exception):
    """A scheduler answered something that is no decision."""


class Pass(NamedTuple):
    """One pass of a micro-batch through a stage."""

    kind: int
    stage: int
    micro: int


@dataclass(frozen=True)
class Iteration:
    """What happened. Arrays of passes have shape (3, stages, micro-batches): forward, backward, weights."""

    start_s: Floats
    end_s: Floats
    peak: Floats
    """Most memory that each device held, shape (devices,)."""
    span_s: Floats
    """From the first start to the last end on each device, shape (devices,)."""
    period_s: float
    """Between the ends of iterations that follow each other: the longest span, or with synchronisation the whole."""
    decisions: int
    """Ranks that were asked for."""
    order: Ints
    """Numbers (kind * stages + stage) * micro-batches + micro of all passes, in the order in which they started."""


def simulate(pipeline: Pipeline, rank: Rank) -> Iteration:
    """Run one iteration, from empty devices to the last weights' pass.

    A device that waits is asked again when another pass becomes ready on it. Where all devices wait and nothing is
    under way, the pass that was ranked lowest of all runs. Ties go to backward, forward, weights, then to the deeper
    stage, then to the micro-batch with the lower number.

    Raises:
        DecisionError: a rank that is not finite.
    """
    run = _Run(pipeline, rank)
    run.through()
    shape = (3, len(pipeline.device), pipeline.micro_batches)
    start, end = np.array(run.start).reshape(shape), np.array(run.end).reshape(shape)
    on = [pipeline.device == each for each in range(pipeline.devices)]
    span = np.array([end[:, mine].max() - start[:, mine].min() for mine in on])
    return Iteration(
        start_s=start,
        end_s=end,
        peak=np.array(run.peak),
        span_s=span,
        period_s=float(end.max() if pipeline.synchronised else span.max()),
        decisions=run.decisions,
        order=np.array(run.order, dtype=np.int64),
    )


class _Run:
    """State of one run. A pass is known by its number, as in ``Iteration.order``."""

    def __init__(self, pipeline: Pipeline, rank: Rank):
        self.ask = rank
        self.stages, self.micros = len(pipeline.device), pipeline.micro_batches
        devices = pipeline.devices
        self.on: list[int] = pipeline.device.tolist()
        self.chunk = [float(self.on[:stage].count(self.on[stage])) for stage in range(self.stages)]
        times = np.array([pipeline.forward_s, pipeline.backward_s, pipeline.weight_s])
        self.time: list[float] = times.ravel().tolist()
        self.memory: list[float] = pipeline.activation.ravel().tolist()
        self.path: list[float] = _paths(pipeline).ravel().tolist()
        self.room = _rooms(pipeline)
        self.kept, self.transfer_s = pipeline.kept, pipeline.transfer_s
        self.capacity: list[float] = pipeline.capacity.tolist()
        self.start, self.end = [0.0] * len(self.time), [0.0] * len(self.time)
        self.ready_at = [0.0] * len(self.time)
        self.ready: list[list[int]] = [[] for _ in range(devices)]
        self.coming: list[dict[int, float]] = [{} for _ in range(devices)]
        """Passes that will become ready on the device, since what they wait for is under way, and when."""
        self.waiting: dict[int, tuple[float, int, int, int, int]] = {}
        """The lowest bid of each device that waits although it could run something."""
        self.busy, self.held, self.peak = ([0.0] * devices for _ in range(3))
        self.flying, self.begun, self.weights = ([0] * devices for _ in range(3))
        self.left: list[float] = pipeline.work_s().tolist()
        self.decisions = 0
        self.order: list[int] = []
        self.events: list[tuple[float, int, int]] = []
        """(when, 0 for an end and 1 for a pass that becomes ready, number)."""
        means = [float(each.sum()) / (devices * self.micros) for each in times]
        self.shape = [float(devices), float(self.micros), self.stages / devices, pipeline.transfer_s, *means, self.kept]

    def through(self) -> None:
        """Handle every end and every arrival; devices are asked once all that happens at an instant is known."""
        self.events = [(0.0, 1, self._number(FORWARD, 0, micro)) for micro in range(self.micros)]
        now = 0.0
        while self.events or self.waiting:
            if not self.events:
                device = min(self.waiting, key=self.waiting.__getitem__)
                self._begin(self.waiting.pop(device)[-1], device, now)
                continue
            now = self.events[0][0]
            touched = set()
            while self.events and self.events[0][0] == now:
                _, kind, number = heappop(self.events)
                touched.add(self._arrive(number, now) if kind else self._finish(number))
            for device in sorted(touched):
                if self.busy[device] <= now:
                    self._choose(device, now)

    def _number(self, kind: int, stage: int, micro: int) -> int:
        return (kind * self.stages + stage) * self.micros + micro

    def _pass(self, number: int) -> Pass:
        rest, micro = divmod(number, self.micros)
        kind, stage = divmod(rest, self.stages)
        return Pass(kind, stage, micro)

    def _arrive(self, number: int, now: float) -> int:
        """Make a pass ready, and return its device."""
        device = self.on[self._pass(number).stage]
        self.coming[device].pop(number, None)
        self.ready_at[number] = now
        self.ready[device].append(number)
        return device

    def _finish(self, number: int) -> int:
        """Give back what a pass held, and return its device."""
        kind, stage, micro = self._pass(number)
        device, memory = self.on[stage], self.memory[stage * self.micros + micro]
        if kind == BACKWARD:
            self.held[device] -= (1.0 - self.kept) * memory
            self.flying[device] -= 1
            self.weights[device] += 1
        elif kind == WEIGHT:
            self.held[device] -= self.kept * memory
            self.weights[device] -= 1
        return device

    def _choose(self, device: int, now: float) -> None:
        """Ask for the rank of every pass that could start, and start the lowest, unless it is above 0."""
        self.waiting.pop(device, None)
        here = self._here(device, now)
        bids = []
        for number in self.ready[device]:
            kind, stage, micro = self._pass(number)
            memory = self.memory[stage * self.micros + micro]
            if kind == FORWARD and self.held[device] + memory > self.room[stage]:
                continue
            kinds = [float(kind == each) for each in (FORWARD, BACKWARD, WEIGHT)]
            waited = now - self.ready_at[number]
            seen = [self.time[number], memory, waited, self.path[number], float(micro), self.chunk[stage]]
            rank = self.ask([*kinds, *seen, *here])
            if not isfinite(rank):
                raise DecisionError(f"a rank must be finite, got {rank}")
            bids.append((rank, TIES[kind], -stage, micro, number))
        self.decisions += len(bids)
        if not bids:
            return
        lowest = min(bids)
        if lowest[0] > 0.0:
            self.waiting[device] = lowest
        else:
            self._begin(lowest[-1], device, now)

    def _here(self, device: int, now: float) -> list[float]:
        """Return what is shown of the device and of the pipeline."""
        held, coming = self.held[device], self.coming[device]
        first = min(coming, key=lambda number: (coming[number], number)) if coming else -1
        return [
            float(device),
            self.capacity[device] - held,
            held,
            float(self.flying[device]),
            float(self.begun[device]),
            float(self.weights[device]),
            self.left[device],
            coming[first] - now if coming else 0.0,
            float(bool(coming) and self._pass(first).kind == BACKWARD),
            *self.shape,
        ]

    def _begin(self, number: int, device: int, now: float) -> None:
        """Start a pass; when it will end, and when others become ready by it, is known at once."""
        kind, stage, micro = self._pass(number)
        end = now + self.time[number]
        self.start[number], self.end[number], self.busy[device] = now, end, end
        self.ready[device].remove(number)
        self.order.append(number)
        self.left[device] -= self.time[number]
        heappush(self.events, (end, 0, number))
        if kind == FORWARD:
            self.held[device] += self.memory[stage * self.micros + micro]
            self.peak[device] = max(self.peak[device], self.held[device])
            self.flying[device] += 1
            self.begun[device] += 1
            last = stage == self.stages - 1
            follows = self._number(BACKWARD, stage, micro) if last else self._number(FORWARD, stage + 1, micro)
            self._send(follows, device, end)
        elif kind == BACKWARD:
            self._send(self._number(WEIGHT, stage, micro), device, end)
            if stage:
                self._send(self._number(BACKWARD, stage - 1, micro), device, end)

    def _send(self, number: int, origin: int, at: float) -> None:
        device = self.on[self._pass(number).stage]
        ready = at if device == origin else at + self.transfer_s
        self.coming[device][number] = ready
        heappush(self.events, (ready, 1, number))


def _paths(pipeline: Pipeline) -> Floats:
    """Return the seconds from each pass's start to the end of the longest chain that waits for it."""
    device, path = pipeline.device, np.array([pipeline.forward_s, pipeline.backward_s, pipeline.weight_s])
    sent = np.where(np.diff(device) == 0, 0.0, pipeline.transfer_s)
    for stage in range(len(device)):
        before = path[BACKWARD, stage - 1] + sent[stage - 1] if stage else 0.0
        path[BACKWARD, stage] += np.maximum(path[WEIGHT, stage], before)
    path[FORWARD, -1] += path[BACKWARD, -1]
    for stage in reversed(range(len(device) - 1)):
        path[FORWARD, stage] += sent[stage] + path[FORWARD, stage + 1]
    return path


def _rooms(pipeline: Pipeline) -> list[float]:
    """Return how much a device may hold once a forward pass of each stage has started on it."""
    device, largest = pipeline.device, pipeline.largest
    stage = np.arange(len(device))
    return [
        float(pipeline.capacity[at] * (1.0 + ROUNDING) - largest[(device == at) & (stage > each)].sum())
        for each, at in enumerate(device)
    ]
