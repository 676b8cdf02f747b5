"""The driver of a real run of a scheduler: composes a replica's iterations as time passes.

It is the server's front: it takes each request when it is due, asks the scheduler, sends the replica what to compute
and waits for that. Meanwhile requests arrive and are ranked; between iterations the replica waits for the scheduler.
"""

import select
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from speciate.simulators.serving import Promises, Scheduler, Server, Trace

from .._contract import Status
from .._errors import CandidateFault
from ._fleet import Fleet
from ._job import Job
from ._scheduled import Scheduled
from ._steered_engine import SteeredEngine

_LEAD_S = 0.2
"""Between the start and the first arrival, wall seconds."""


class Stream(NamedTuple):
    """Requests, and what they were promised."""

    trace: Trace
    promises: Promises


class SteeredDriver:
    """One run on a started replica.

    Args:
        fleet: of one steered replica.
        server: what it is in the simulator, in the scheduler's seconds.
        stream: what is served; arrivals count from the first one.
        scheduler: asked for decisions; may raise, which ends the run.
        pace: seconds of the clock that the scheduler is shown, and that all is measured by, in a wall second.
    """

    def __init__(self, fleet: Fleet, server: Server, stream: Stream, scheduler: Scheduler, pace: float):
        self._wire, self._fleet, self._pace = fleet.wires[0], fleet, pace
        self._thought_s: list[float] = []
        self._engine = SteeredEngine(server, _Timed(scheduler, self._thought_s))
        fleet.begin([1.0])
        start = self._now() + pace * _LEAD_S
        self._jobs = jobs_of(stream, start)
        self._stream = stream
        self._arrived = self._finished = 0
        self._computing = False
        self._spent: dict[str, float] = {}

    def run(self, wall_s: float) -> Scheduled:
        """Run to the end.

        Raises:
            CandidateFault: ``timeout`` beyond ``wall_s`` (wall seconds); or the scheduler's own.
            SandboxError: the replica ended.
        """
        jobs, end = self._jobs, time.monotonic() + _LEAD_S + wall_s
        while self._finished < len(jobs):
            if not self._computing:
                self._start()
            now = time.monotonic()
            if now > end:
                told = f"{len(jobs) - self._finished} of {len(jobs)} requests were not finished after {wall_s:g} s"
                raise CandidateFault(Status.TIMEOUT, told, limit="wall_s", after_s=wall_s)
            due = jobs[self._arrived].arrival_s / self._pace if self._arrived < len(jobs) else end
            ready, _, _ = select.select([self._wire], [], [], max(0.0, min(end, due) - now))
            if ready:
                self._listen()
            while self._arrived < len(jobs) and jobs[self._arrived].arrival_s <= self._now():
                self._arrive(jobs[self._arrived])
        return Scheduled(self._stream, jobs, self._engine, self._pace, self._thought_s, self._spent)

    def _start(self) -> None:
        """Compose the next iteration, and have it computed."""
        plan = self._engine.schedule(self._now())
        if plan is not None:
            self._wire.send({"compute": plan.order()})
            self._computing = True

    def _listen(self) -> None:
        """Read what the replica says."""
        for message in self._fleet.read(0):
            self._spent = message["computed"]
            self._finished += self._engine.complete(self._pace * self._spent["ended"])
            self._computing = False

    def _arrive(self, job: Job) -> None:
        self._arrived += 1
        self._wire.send({"place": [job.number, job.prompt, job.output]})
        self._engine.arrive(self._now(), job)

    def _now(self) -> float:
        return self._pace * time.monotonic()


def jobs_of(stream: Stream, start: float) -> list[Job]:
    """Return the requests of a stream, the first of which arrives at ``start``."""
    trace, promises = stream
    arrivals = start + trace.arrival_s - trace.arrival_s[0]
    lengths = (trace.prompt_tokens, trace.output_tokens, trace.predicted_output)
    columns = (column.tolist() for column in (*lengths, arrivals, promises.first_s, promises.token_s))
    return [
        Job(number, prompt, output, predicted, arrival, (first, token))
        for number, (prompt, output, predicted, arrival, first, token) in enumerate(zip(*columns, strict=True))
    ]


class _Timed:
    """A scheduler whose answers are timed, in wall seconds."""

    def __init__(self, scheduler: Scheduler, thought_s: list[float]):
        self._thought_s = thought_s
        self.rank, self.chunk = self._timed(scheduler.rank), self._timed(scheduler.chunk)
        self.evict, self.swap = self._timed(scheduler.evict), self._timed(scheduler.swap)

    def _timed(self, hook: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float]], float]:
        def asked(observation: Sequence[float]) -> float:
            begun = time.monotonic()
            answer = hook(observation)
            self._thought_s.append(time.monotonic() - begun)
            return answer

        return asked
