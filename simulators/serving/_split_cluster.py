"""A cluster in which some replicas compute prompts, some decode, and the KV cache travels between them.

A request is placed where its prompt is computed. Where that is a prefill replica, it is placed again when its first
token is out, and its KV cache is sent: a replica sends one at a time, in the order in which prompts were done, and
keeps the memory until the last byte has left. What arrives and finds no free blocks waits in host memory.

Events are ordered by (time, kind, number): iterations that end, then transfers, then arrivals. All requests that arrive
at one instant are placed before an idle replica starts on them. The ends of iterations are one number a replica, whose
least is looked for at every event: a decision looks at every replica anyway, and a heap of ends that are void by the
time they come up took longer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from heapq import heappop, heappush
from math import inf, isfinite
from typing import NamedTuple, Protocol

from ._batch import MAX_REQUESTS
from ._errors import DecisionError, EventLimitError
from ._replica import DECODING, IDLE
from ._requests import Requests
from ._split_replica import DecodeReplica, PrefillReplica
from ._split_result import SplitResult, Transfers
from ._trace import ReplicaSpec, Trace, validated_cluster


class Role(IntEnum):
    """What a replica does."""

    MIXED = 0
    """Serves what is placed on it from prompt to last token, and decodes what it is sent."""
    PREFILL = 1
    """Computes prompts."""
    DECODE = 2
    """Decodes what it is sent."""


@dataclass(frozen=True)
class Fabric:
    """How fast KV cache travels."""

    kv_bytes_per_token: float
    within_bytes_per_s: float
    """Between replicas of one node."""
    across_bytes_per_s: float
    """Between nodes."""
    latency_s: float = 1e-3
    """Before the first byte."""

    def __post_init__(self) -> None:
        rates = (self.kv_bytes_per_token, self.within_bytes_per_s, self.across_bytes_per_s)
        if not all(isfinite(rate) and rate > 0 for rate in rates) or not (
            isfinite(self.latency_s) and self.latency_s >= 0
        ):
            raise ValueError(f"bytes and rates must be finite and > 0, and latency_s >= 0, got {self}")

    def token_s(self, source: int, target: int) -> float:
        """Return the seconds a token's KV cache travels from node ``source`` to node ``target``."""
        return self.kv_bytes_per_token / (self.within_bytes_per_s if source == target else self.across_bytes_per_s)


class Site(NamedTuple):
    """A replica, where it is, and what it does."""

    spec: ReplicaSpec
    node: int
    role: Role


SPLIT_REQUEST_FIELDS = ("prompt_tokens", "predicted_output", "waited", "now")
"""Tokens; time since arrival (s); time (s)."""

SPLIT_REPLICA_FIELDS = (
    "index",
    "prefills",
    "decodes",
    "prompt_token_s",
    "decode_token_s",
    "transfer_token_s",
    "link_wait_s",
    "incoming",
    "prefill_tokens",
    "running",
    "queued",
    "free_blocks",
    "context_tokens",
    "iteration_s",
)
"""One row a replica. From ``transfer_token_s`` on it is 0 for a replica that does not do the work asked about.

- ``index``; ``prefills``, ``decodes``: 1 where prompts, or requests after their first token, may be placed, else 0.
- ``prompt_token_s``: time for each token of a prompt in a full chunk (s).
- ``decode_token_s``: time of an iteration that decodes one request (s), attention apart.
- ``transfer_token_s``: time for each prompt token to bring the KV cache here from where it is (s); 0 on arrival.
- ``link_wait_s``: until what it has to send is sent (s).
- ``incoming``: requests whose KV cache is on its way here, or waits for the link.
- ``prefill_tokens`` and what follows: as in ``REPLICA_FIELDS``.
"""

Worker = PrefillReplica | DecodeReplica

_NOT_SHOWN = (0.0,) * (len(SPLIT_REPLICA_FIELDS) - 5)


class Controller(Protocol):
    """Who decides. Both calls must be deterministic in what they have seen.

    An answer that names a replica which does no such work means the next one, in order of index and around, that does.
    """

    def prefill(self, observation: Sequence[float]) -> int | float:
        """Return where the prompt of the request that has arrived is computed.

        Args:
            observation: ``SPLIT_REQUEST_FIELDS``, then ``SPLIT_REPLICA_FIELDS`` for replica 0, 1, ...
        """

    def decode(self, observation: Sequence[float]) -> int | float:
        """Return where the request is decoded that a prefill replica has computed. Observes the same."""


def simulate_split(
    sites: Sequence[Site], fabric: Fabric, trace: Trace, controller: Controller, *, event_limit: int | None = None
) -> SplitResult:
    """Run ``trace`` through a cluster of prefill, decode and mixed replicas until every request is finished.

    Args:
        sites: the cluster; indices are positions in it.
        fabric: how KV cache travels.
        trace: the requests.
        controller: asked once or twice a request; may raise, which ends the run.
        event_limit: events after which the run is given up. None allows 20 for each request and one for each of its
            tokens, which only endless preemption exceeds.

    Returns:
        What was measured.

    Raises:
        ValueError: no replica computes prompts, none decodes, a request does not fit on some replica, or the replicas'
            block sizes differ.
        DecisionError: the controller answered something that is no replica.
        EventLimitError: the run passed ``event_limit``.
    """
    specs = validated_cluster([site.spec for site in sites], trace)
    if len(trace) >= MAX_REQUESTS:
        raise ValueError(f"a trace may hold fewer than {MAX_REQUESTS} requests, got {len(trace)}; split it")
    roles = {site.role for site in sites}
    if Role.MIXED not in roles and len(roles) < 2:
        raise ValueError("some replica must compute prompts and some must decode, got one role for all")
    if event_limit is None:
        event_limit = 20 * len(trace) + int(trace.output_tokens.sum() + trace.prompt_tokens.sum())
    engine = _Engine(sites, fabric, Requests(trace, specs[0].block_size), controller)
    engine.run(event_limit)
    return SplitResult(specs, trace, engine.requests, engine.replicas, engine.transfers)


class _Work:
    """What the controller sees of the replicas when asked who does one kind of work."""

    def __init__(self, sites: Sequence[Site], replicas: Sequence[Worker], other: Role):
        self.able = [site.role is not other for site in sites]
        """Whether each replica does this work."""
        self.rows: list[tuple[int, tuple[float, ...], Callable[[float], tuple[float, ...]]]] = []
        """Of each replica that does: index; what is constant in its row, after the rows of those before that do not;
        what shows the rest."""
        self.rest: tuple[float, ...] = ()
        """The rows of those after the last one that does."""
        for index, (site, replica) in enumerate(zip(sites, replicas, strict=True)):
            self.rest += _fixed(index, site)
            if self.able[index]:
                self.rows.append((index, self.rest, replica.shown))
                self.rest = ()
            else:
                self.rest += _NOT_SHOWN


class _Engine:
    """State of one run."""

    def __init__(self, sites: Sequence[Site], fabric: Fabric, requests: Requests, controller: Controller):
        self.requests = requests
        self.controller = controller
        self.replicas: list[Worker] = [
            (PrefillReplica if site.role is Role.PREFILL else DecodeReplica)(index, site.spec, requests)
            for index, site in enumerate(sites)
        ]
        self.prompts = _Work(sites, self.replicas, Role.DECODE)
        self.answers = _Work(sites, self.replicas, Role.PREFILL)
        self.latency_s = fabric.latency_s
        self.token_s = [[fabric.token_s(one.node, other.node) for other in sites] for one in sites]
        self.nowhere = [0.0] * len(sites)
        self.link_free_s = [0.0] * len(sites)
        self.incoming = [0.0] * len(sites)
        n = len(requests.prompt)
        self.transfers = Transfers([-1] * n, [-1] * n, [-1.0] * n, [-1.0] * n)
        self.ends_s = [inf] * len(sites)
        """When each replica's planned iterations end; inf where it is idle."""
        self.sending: list[tuple[float, int]] = []
        """A heap of (end, request) of the transfers under way."""

    def run(self, event_limit: int) -> None:
        """Run to the end. Raises EventLimitError."""
        ends_s, sending, arrivals_s = self.ends_s, self.sending, [*self.requests.arrival_s, inf]
        arrived = count = 0
        while True:
            end_s, arrival_s = min(ends_s), arrivals_s[arrived]
            sent_s = sending[0][0] if sending else inf
            if end_s <= sent_s and end_s <= arrival_s:
                if end_s == inf:
                    return
                self._end(end_s, self.replicas[ends_s.index(end_s)])
            elif sent_s <= arrival_s:
                self._sent(*heappop(sending))
            else:
                arrived = self._arrive(arrived, arrivals_s)
            count += 1
            if count > event_limit:
                raise EventLimitError(
                    f"gave up after {event_limit} events: {arrived} of {len(arrivals_s) - 1} requests arrived, "
                    f"{sum(replica.preemptions for replica in self.replicas)} preemptions. Lower the load, clip the "
                    "lengths or raise event_limit."
                )

    def _observation(self, request: int, now: float, work: _Work, token_s: Sequence[float]) -> list[float]:
        """Return what the controller sees: of those who do the work all of it, of the others what is constant.

        Args:
            request: what is to be placed.
            now: time (s).
            work: what is to be done.
            token_s: time for each prompt token to come to each replica (s).
        """
        arrived_s, _, prompt, predicted, _ = self.requests.fields[request]
        observation = [prompt, predicted, now - arrived_s, now]
        link_free_s, incoming = self.link_free_s, self.incoming
        for index, constant, shown in work.rows:
            observation += constant
            wait = link_free_s[index] - now
            observation += (token_s[index], wait if wait > 0.0 else 0.0, incoming[index])
            observation += shown(now)
        observation += work.rest
        return observation

    def _arrive(self, first: int, arrivals_s: Sequence[float]) -> int:
        """Place request ``first`` and all that arrive with it. Returns the next request."""
        requests, work = self.requests, self.prompts
        now = arrivals_s[first]
        touched: list[tuple[Worker, bool]] = []
        request = first
        while arrivals_s[request] == now:
            observation = self._observation(request, now, work, self.nowhere)
            index = _chosen(self.controller.prefill(observation), work.able)
            requests.replica[request] = index
            requests.placed_s[request] = now
            replica = self.replicas[index]
            touched.append((replica, replica.accept(request)))
            request += 1
        for replica, admissible in touched:
            self._wake(now, replica, admissible)
        return request

    def _wake(self, now: float, replica: Worker, admissible: bool) -> None:
        """Start a replica that is idle, or let its jump end where it can then admit."""
        if replica.mode == IDLE:
            end_s = replica.schedule(now)
        elif admissible and replica.mode == DECODING:
            end_s = replica.cut(now)
        else:
            return
        if end_s >= 0.0:
            self.ends_s[replica.index] = end_s

    def _end(self, now: float, replica: Worker) -> None:
        """End a replica's iterations, send on what it has computed and start what comes next."""
        replica.complete(now)
        if replica.computed:
            computed, replica.computed = replica.computed, []
            for request in computed:
                self._send(now, replica.index, request)
        end_s = replica.schedule(now)
        self.ends_s[replica.index] = end_s if end_s >= 0.0 else inf

    def _send(self, now: float, source: int, request: int) -> None:
        work, token_s = self.answers, self.token_s[source]
        target = _chosen(self.controller.decode(self._observation(request, now, work, token_s)), work.able)
        free = self.link_free_s[source]
        begin = free if free > now else now
        end = begin + self.latency_s + token_s[target] * self.requests.prompt[request]
        self.link_free_s[source] = end
        self.incoming[target] += 1.0
        transfers = self.transfers
        transfers.source[request], transfers.target[request] = source, target
        transfers.begun_s[request], transfers.ended_s[request] = begin, end
        heappush(self.sending, (end, request))

    def _sent(self, now: float, request: int) -> None:
        """Let a request whose KV cache has arrived go on, and its source use the memory."""
        source = self.replicas[self.transfers.source[request]]
        target = self.replicas[self.transfers.target[request]]
        assert isinstance(source, PrefillReplica)
        assert isinstance(target, DecodeReplica)
        source.release(request)
        if source.mode == IDLE:
            self._wake(now, source, False)
        self.incoming[target.index] -= 1.0
        self._wake(now, target, target.receive(request))


def _chosen(answer: float, able: Sequence[bool]) -> int:
    """Return the replica named or, where it is not able, the next one around that is. Raises DecisionError."""
    if not 0 <= answer < len(able) or int(answer) != answer:
        raise DecisionError(f"expected a replica from 0 to {len(able) - 1}, got {answer!r}")
    index = int(answer)
    while not able[index]:
        index = (index + 1) % len(able)
    return index


def _fixed(index: int, site: Site) -> tuple[float, ...]:
    cost, chunk = site.spec.cost, site.spec.chunk_tokens
    prefills, decodes = site.role is not Role.DECODE, site.role is not Role.PREFILL
    return (float(index), float(prefills), float(decodes), cost.token_s[chunk] / chunk, cost.decode_s(1, 0.0))
