"""The driver of a real run: sends a request stream as time passes, asks the router, and notes when tokens came.

It keeps the rules of the simulated cluster: a central queue in the order of ``key``; ``place`` is asked when an
arrival becomes the head and when requests have finished, until it holds. What it cannot keep is what makes it
real: reports are as old as the last iteration, and while a router thinks time goes on.
"""

import select
import time
from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np
from speciate.simulators.serving import HOLD, REPLICA_FIELDS, REQUEST_FIELDS, Router, Trace

from .._contract import Status
from .._errors import CandidateFault
from ._fleet import Fleet
from ._served import Served
from ._wire import Message

_LEAD_S = 0.2
"""Between the start and the first arrival."""
_QUEUED, _RESERVED, _PREFILL, _DECODE, _PEAK = (
    REPLICA_FIELDS.index(name)
    for name in ("queued", "reserved_blocks", "prefill_tokens", "decode_tokens", "peak_blocks")
)


def serve(fleet: Fleet, speeds: Sequence[float], trace: Trace, router: Router, *, wall_s: float) -> Served:
    """Serve ``trace`` in real time. Returns when every request is finished.

    Args:
        fleet: the replicas.
        speeds: what the router is told of them.
        trace: the requests; arrivals count from the first one.
        router: asked for decisions; may raise, which ends the run.
        wall_s: seconds after which the run is given up.

    Raises:
        CandidateFault: ``timeout`` beyond ``wall_s``; or the router's own.
        SandboxError: a replica ended.
    """
    fleet.begin(speeds)
    return _Driver(fleet, speeds, trace, router).run(wall_s)


class _Driver:
    """State of one run. Times are seconds of the monotonic clock."""

    def __init__(self, fleet: Fleet, speeds: Sequence[float], trace: Trace, router: Router):
        n = len(trace)
        self.fleet, self.trace, self.router = fleet, trace, router
        self.fastest = max(range(len(speeds)), key=lambda index: (speeds[index], -index))
        sizes = fleet.sizes
        self.rows = [
            [float(i), speeds[i], float(size.blocks), 0.0, float(size.blocks), *[0.0] * (len(REPLICA_FIELDS) - 5)]
            for i, size in enumerate(sizes)
        ]
        self.sent: list[list[int]] = [[] for _ in sizes]
        """Requests placed on each replica, in order."""
        self.seen = [0] * len(sizes)
        """How many of those the replica's report knows of."""
        self.queue: list[tuple[float, int]] = []
        self.queue_tokens = 0.0
        self.blocks = [sizes[0].blocks_of(int(prompt)) for prompt in trace.prompt_tokens]
        self.arrival = (trace.arrival_s - trace.arrival_s[0] + time.monotonic() + _LEAD_S).tolist()
        self.served = Served(trace, np.array(self.arrival), [-1.0] * n, [-1.0] * n, [-1.0] * n, [-1.0] * n, [-1] * n)
        self.unfinished = n

    def run(self, wall_s: float) -> Served:
        """Run to the end."""
        arrived, end = 0, time.monotonic() + _LEAD_S + wall_s
        count = len(self.arrival)
        while self.unfinished:
            now = time.monotonic()
            if now > end:
                told = f"{self.unfinished} of {count} requests were not finished after {wall_s:g} s"
                raise CandidateFault(Status.TIMEOUT, told, limit="wall_s", after_s=wall_s)
            finished = self._listen(max(0.0, min(end, self.arrival[arrived] if arrived < count else end) - now))
            if finished and self.queue:
                self._drain()
            while arrived < count and self.arrival[arrived] <= time.monotonic():
                self._arrive(arrived)
                arrived += 1
            if self.queue and arrived == count and self.unfinished == len(self.queue):
                self.served.forced += 1
                self._put(self.fastest)
        return self.served

    def _listen(self, timeout_s: float) -> int:
        """Read what replicas report, at most until the timeout. Returns how many requests finished."""
        ready, _, _ = select.select(self.fleet.wires, [], [], timeout_s)
        replicas = [self.fleet.wires.index(wire) for wire in ready]
        return sum(self._note(replica, report) for replica in replicas for report in self.fleet.read(replica))

    def _note(self, replica: int, report: Message) -> int:
        served = self.served
        for request in report["admitted"]:
            if served.admitted_s[request] < 0:
                served.admitted_s[request] = report["started"]
        for request in report["first"]:
            served.first_token_s[request] = report["ended"]
        for request in report["done"]:
            served.finish_s[request] = report["ended"]
        served.preemptions += len(report["preempted"])
        self.rows[replica], self.seen[replica] = report["row"], report["seen"]
        served.busy_s[replica], served.cpu_s[replica] = report["busy_s"], report["cpu_s"]
        self.unfinished -= len(report["done"])
        return len(report["done"])

    def _arrive(self, request: int) -> None:
        trace = self.trace
        begun = time.monotonic()
        key = self.router.key(self._request(request, self.arrival[request]))
        self.served.thought_s.append(time.monotonic() - begun)
        self.queue_tokens += int(trace.prompt_tokens[request] + trace.predicted_output[request])
        heappush(self.queue, (key, request))
        if self.queue[0][1] == request:
            self._drain()

    def _drain(self) -> None:
        """Ask for the head until it is held or nothing waits."""
        while self.queue:
            now = time.monotonic()
            observation = self._request(self.queue[0][1], now)
            observation += [now, float(len(self.queue)), self.queue_tokens]
            for replica in range(len(self.rows)):
                observation += self._row(replica)
            answer = self.router.place(observation)
            self.served.thought_s.append(time.monotonic() - now)
            if answer == HOLD:
                return
            self._put(int(answer))

    def _request(self, request: int, now: float) -> list[float]:
        trace, arrival = self.trace, self.arrival[request]
        known = (trace.prompt_tokens[request], trace.predicted_output[request], self.blocks[request])
        observed = [arrival, now - arrival, *map(float, known)]
        assert len(observed) == len(REQUEST_FIELDS)
        return observed

    def _row(self, replica: int) -> list[float]:
        """Return what is known of a replica: its last report, and what was sent there since."""
        row = list(self.rows[replica])
        for request in self.sent[replica][self.seen[replica] :]:
            prompt, predicted = int(self.trace.prompt_tokens[request]), int(self.trace.predicted_output[request])
            row[_QUEUED] += 1.0
            row[_RESERVED] += self.blocks[request]
            row[_PREFILL] += prompt
            row[_DECODE] += predicted
            row[_PEAK] += self.fleet.sizes[replica].blocks_of(prompt + predicted)
        return row

    def _put(self, replica: int) -> None:
        """Send the head of the central queue to a replica."""
        trace, request = self.trace, heappop(self.queue)[1]
        lengths = (trace.prompt_tokens[request], trace.output_tokens[request], trace.predicted_output[request])
        self.queue_tokens -= float(lengths[0] + lengths[2])
        self.served.replica[request] = replica
        self.served.placed_s[request] = time.monotonic()
        self.fleet.wires[replica].send({"place": [request, *map(int, lengths)]})
        self.sent[replica].append(request)
