"""A replica that asks at every iteration which requests join it, how much of their prompts, and whom to preempt.

It differs from ``Replica`` in what it asks of a ``Scheduler``; memory, time and jumps are the same. The line is
ordered by rank. The prompt under way goes on first, then the head of the line is asked about, again and again
until it does not join or the iteration is full. What does not join is not asked about until an arrival becomes the
head, a request finishes or one is preempted: meanwhile the replica jumps. Where nothing decodes, the head joins
whatever the answer.

Preempted requests are chosen by ``evict``, the highest first; ties by who was admitted last. Where decoding finds no
free block, whoever is highest goes; to let a head join, only decoding requests not below 0 that have decoded since
they joined, and only if that suffices. An iteration that preempted for want of blocks admits nothing.

A preempted cache is dropped and computed again, or copied to the host and back; the batch waits for copies.
"""

from bisect import bisect
from operator import itemgetter

import numpy as np

from ._batch import FREE, ITERATION, OUTLIVED, PEAK, PREEMPTIONS, PREFILL, QUEUED, RESERVED, SHIFT
from ._errors import DecisionError
from ._promises import HostMemory, Promises
from ._replica import DECODING, IDLE, MIXED, Replica
from ._requests import Requests
from ._schedule_view import Scheduler, Tally
from ._stalls import Stalls
from ._trace import ReplicaSpec


class ScheduledReplica(Replica):
    """One replica that a scheduler steers. Times are seconds."""

    def __init__(
        self,
        spec: ReplicaSpec,
        requests: Requests,
        scheduler: Scheduler,
        promises: Promises,
        host: HostMemory,
        *,
        macro: bool = True,
    ):
        super().__init__(0, spec, requests, macro=macro)
        n = len(requests.arrival_s)
        self.stalls = Stalls(n, promises.gap_s)
        self.tally = Tally()
        self._scheduler = scheduler
        known = (requests.arrival_s, requests.prompt, requests.predicted, promises.first_s, promises.token_s)
        self._known = np.column_stack(known).tolist()
        """What JOB_FIELDS has of each request that does not change."""
        self._block_s = host.block_s
        self._host_free = host.blocks
        self._swapped: dict[int, int] = {}
        """Tokens of the caches on the host."""
        self._returning: list[int] = []
        """Who came back from the host for the iteration under way."""
        self._joined_s = [0.0] * n
        self._joined_step = [0] * n
        self._ranked: list[tuple[float, int]] = []
        """(rank, request) of the line, in the order of ``_waiting``."""
        self._held = False
        self._joined = 0
        """Prompt tokens of the iteration under way."""
        self._pairs = self._transfer_s = 0.0
        self._waiting_peak = 0.0
        """Part of the row's peak that the line accounts for."""

    def arrive(self, now: float, request: int) -> bool:
        """Take ``request`` into the line. Returns whether it is the head, and might join what comes next."""
        requests = self._requests
        requests.replica[request] = 0
        requests.placed_s[request] = now
        self.accept(request)
        self._waiting.pop()
        if self._line_up(now, request) or self._prefills:
            return False
        self._held = False
        return len(self._running) < self._max_batch

    def schedule(self, now: float) -> float:
        """Start what comes next at ``now``. Returns when it ends, or -1.0 if there is nothing to do."""
        if not self._running and not self._waiting:
            return -1.0
        self._observed = -1
        free = self._blocks - self._used
        short = free < self._batch and self._growth() > free
        if short:
            self._find_blocks(now)
        self.version += 1
        self._started = now
        if (self._waiting or self._prefills) and not self._held and not (short and self._batch):
            duration = self._compose(now)
            if duration > 0.0:
                self.mode = MIXED
                self._planned = 1
                return now + duration
        self.mode = DECODING
        batch = self._batch
        planned = (self._finishing[0] >> SHIFT) - self._steps
        if short or self._transfer_s or not self._macro:
            planned = 1
        elif batch * (planned // self._block_size + 1) > self._blocks - self._used:
            planned = min(planned, self._steps_until_full())
        self._planned = planned
        self._quadratic = quadratic = 0.5 * self._context_s * batch
        first = self._decode_table[batch] + self._context_s * (self._context - self._partial_done + batch)
        first += self._transfer_s
        self._linear = linear = first - quadratic
        return now + planned * (linear + quadratic * planned)

    def complete(self, now: float) -> int:
        """End the planned iterations at ``now``. Returns how many requests finished."""
        stalls = self.stalls
        batch = self._batch - len(self._returning)
        if self.mode == MIXED:
            if batch:
                stalls.pass_(now - self._started, 0.0, 1, batch)
        else:
            stalls.pass_(self._linear + self._quadratic, 2.0 * self._quadratic, self._planned, batch)
        for request in self._returning:
            stalls.resume(request, now)
            stalls.join(request)
        self._returning = []
        self._joined = 0
        self._pairs = self._transfer_s = 0.0
        finished = super().complete(now)
        if finished:
            self._held = False
        return finished

    def is_empty(self) -> bool:
        """Return whether nothing is queued, running, held or remembered, here and on the host."""
        here = (self._ranked, self._swapped, self._returning, self._waiting_peak)
        return super().is_empty() and not any(here)

    def _first_token(self, request: int, cached: int, now: float) -> int:
        if self._requests.generated[request]:
            self.stalls.resume(request, now)
        finished = super()._first_token(request, cached, now)
        self.stalls.join(request)
        self._joined_step[request] = self._steps
        return finished

    def _leave(self, request: int) -> None:
        super()._leave(request)
        self.stalls.leave(request)

    def _compose(self, now: float) -> float:
        """Ask what joins the next iteration. Returns its duration (s), or 0.0 where no prompt does."""
        prefills, left = self._prefills, 0
        if prefills:
            request, past = prefills[0], self._partial_done
            left = self._requests.pending[request] - past
            chunk = self._chunk(now, self._running_fields(now, request))
            if not chunk:
                return 0.0
            left = self._take(chunk, past, left)
        while self._waiting and not left and self._budget() > 0 and len(self._running) < self._max_batch:
            left = self._head(now)
        if not prefills:
            return 0.0
        self._partial_left = max(left, 0)
        return self._iteration_s()

    def _head(self, now: float) -> int:
        """Ask about the head of the line. Returns what its chunk leaves of its prompt; -1 if it does not join."""
        request = self._waiting[0]
        chunk = self._chunk(now, self._waiting_fields(now, request))
        if not chunk:
            return -1
        need = self._need(request)
        victims = self._victims_for(now, need + (self._swapped.get(request, 1) % self._block_size == 0))
        if victims is None:
            self._hold()
            return -1
        self._ranked.pop(0)
        self._waiting.popleft()
        self._waiting_peak -= self._requests.peak_blocks[request]
        for victim in victims:
            self._drop(now, victim)
        self.tally.displaced += len(victims)
        self._waiting.appendleft(request)
        self._admit(now, need)
        self._joined_s[request] = now
        self._observed = -1
        if request in self._swapped:
            self._swap_in(request, need)
            return 0
        self._prefills.append(request)
        return self._take(chunk, 0, self._requests.pending[request])

    def _take(self, chunk: int, past: int, left: int) -> int:
        """Add a chunk of a prompt with ``left`` tokens to compute to the iteration. Returns what then is left."""
        chunk = min(chunk, left)
        self._pairs += chunk * (past + 0.5 * chunk)
        self._joined += chunk
        return left - chunk

    def _chunk(self, now: float, job: list[float]) -> int:
        """Ask how much of a prompt to compute. Returns tokens that fit the iteration; 0 not to."""
        self.tally.chunks += 1
        answer = self._scheduler.chunk(job + self._engine_fields(now))
        if answer != answer:
            raise DecisionError(f"chunk must return a number, got {answer!r}")
        chunk = int(min(max(answer, 0.0), self._budget()))
        if not chunk and not self._batch and not self._joined:
            self.tally.forced += 1
            return self._budget()
        if not chunk:
            self._hold()
        return chunk

    def _hold(self) -> None:
        """Ask no more until the state changes."""
        self._held = True
        self.tally.holds += 1

    def _budget(self) -> int:
        return self._chunk_tokens - self._batch - self._joined

    def _growth(self) -> int:
        """Return the blocks that the next token of every decoding request takes."""
        return int(self._needs[self._steps % self._block_size] % OUTLIVED)

    def _iteration_s(self) -> float:
        """Return the time of the next iteration as it stands."""
        batch, context = self._batch, self._context - self._partial_done + self._batch
        if not self._joined:
            return self._decode_table[batch] + self._context_s * context + self._transfer_s if batch else 0.0
        duration = self._token_s[batch + self._joined] + self._head_s[batch + len(self._prefills)]
        duration += self._prefill_fixed_s + self._pair_s * self._pairs + self._transfer_s
        return duration + self._decode_fixed_s + self._mixed_context_s * context if batch else duration

    def _find_blocks(self, now: float) -> None:
        """Preempt until the next token of every decoding request has its blocks."""
        for _, victim in self._victims(now, list(self._running)):
            self._drop(now, victim)
            if self._growth() <= self._blocks - self._used:
                return

    def _victims_for(self, now: float, need: int) -> list[int] | None:
        """Return whom to preempt so that ``need`` blocks are free beside the next tokens; None where it cannot be."""
        free = self._blocks - self._used - self._growth()
        chosen: list[int] = []
        if need <= free:
            return chosen
        fresh = set(self._prefills)
        steps = self._steps
        eligible = [each for each in self._running if each not in fresh and self._joined_step[each] < steps]
        for score, victim in self._victims(now, eligible):
            if score < 0.0:
                return None
            chosen.append(victim)
            free += self._blocks_of(victim, 1)
            if need <= free:
                return chosen
        return None

    def _victims(self, now: float, running: list[int]) -> list[tuple[float, int]]:
        """Return (score, request) of ``running``, in order of admission, in the order to preempt them."""
        engine, evict = self._engine_fields(now), self._scheduler.evict
        self.tally.evicts += len(running)
        scored = []
        for request in reversed(running):
            score = evict(self._running_fields(now, request) + engine)
            if score != score:
                raise DecisionError(f"evict must return a number for request {request}, got {score!r}")
            scored.append((score, request))
        scored.sort(key=itemgetter(0), reverse=True)
        return scored

    def _drop(self, now: float, request: int) -> None:
        """Preempt ``request`` and put it in line."""
        requests, row = self._requests, self.row
        if self._prefills and request == self._prefills[-1]:
            self._drop_partial(request)
        else:
            self.stalls.interrupt(request, now)
            blocks = self._blocks_of(request, 0)
            kept = blocks <= self._host_free and self._swap(now, request)
            self._drop_decoding(request)
            if kept:
                self._swap_out(request, blocks)
        requests.preemptions[request] += 1
        self.preemptions += 1
        row[QUEUED] += 1.0
        row[RESERVED] += self._need(request)
        row[PREEMPTIONS] += 1.0
        self._held = False
        self._observed = -1
        self._line_up(now, request)

    def _swap(self, now: float, request: int) -> bool:
        """Ask whether the cache of a victim is to be copied to the host."""
        answer = self._scheduler.swap(self._running_fields(now, request) + self._engine_fields(now))
        if answer != answer:
            raise DecisionError(f"swap must return a number for request {request}, got {answer!r}")
        return answer > 0.0

    def _swap_out(self, request: int, blocks: int) -> None:
        """Keep the cache of a request that was just dropped: nothing of it is to be computed again."""
        tokens = self._requests.pending[request]
        self._requests.pending[request] = 0
        self.row[PREFILL] -= tokens
        self.recomputed_tokens -= tokens
        self._swapped[request] = tokens - 1  # Its last token has no cache yet.
        self._host_free -= blocks
        self._transfer_s += blocks * self._block_s
        self.tally.swaps += 1
        self.tally.swapped_blocks += blocks

    def _swap_in(self, request: int, blocks: int) -> None:
        """Let an admitted request decode on from the cache on the host."""
        requests = self._requests
        self._context += self._swapped.pop(request)
        self._host_free += blocks
        self._transfer_s += blocks * self._block_s
        generated = requests.generated[request]
        self._pending_decode -= max(requests.predicted[request] - generated, 0)
        self._decode(request, self._steps - generated)
        self._joined_step[request] = self._steps
        self._returning.append(request)

    def _need(self, request: int) -> int:
        """Return the blocks a request in line needs to join."""
        return -(-(self._swapped.get(request) or self._requests.pending[request]) // self._block_size)

    def _blocks_of(self, request: int, more: int) -> int:
        """Return the blocks that a decoding request holds with ``more`` tokens than it has cached."""
        requests = self._requests
        cached = requests.prompt[request] + self._steps - requests.base[request] - 1
        return -(-(cached + more) // self._block_size)

    def _line_up(self, now: float, request: int) -> int:
        """Put ``request`` in line by its rank. Returns its place."""
        self.tally.ranks += 1
        self._waiting_peak += self._requests.peak_blocks[request]
        rank = self._scheduler.rank(self._waiting_fields(now, request) + self._engine_fields(now))
        if rank != rank:
            raise DecisionError(f"rank must return a number for request {request}, got {rank!r}")
        place = bisect(self._ranked, (rank, request))
        self._ranked.insert(place, (rank, request))
        self._waiting.insert(place, request)
        return place

    def _waiting_fields(self, now: float, request: int) -> list[float]:
        """Return JOB_FIELDS of a request in line."""
        requests = self._requests
        generated, left = requests.generated[request], requests.pending[request]
        return self._fields(now, request, generated, left, self._need(request), 0.0)

    def _running_fields(self, now: float, request: int) -> list[float]:
        """Return JOB_FIELDS of a running request."""
        requests, left = self._requests, 0
        generated = self._steps - requests.base[request]
        cached = requests.prompt[request] + generated - 1
        if self._prefills and request == self._prefills[0]:
            generated, cached = requests.generated[request], requests.pending[request]
            left = cached - self._partial_done
        held = -(-cached // self._block_size)
        return self._fields(now, request, generated, left, held, now - self._joined_s[request])

    def _fields(
        self, now: float, request: int, generated: int, left: int, blocks: int, resident: float
    ) -> list[float]:
        """Return JOB_FIELDS of a request with ``left`` tokens to compute."""
        arrived_s, prompt, predicted, first_s, token_s = self._known[request]
        return [
            now - arrived_s,
            prompt,
            float(generated),
            predicted,
            float(left),
            float(blocks),
            resident,
            float(self._requests.preemptions[request]),
            first_s,
            token_s,
            blocks * self._block_s,
        ]

    def _engine_fields(self, now: float) -> list[float]:
        """Return ENGINE_FIELDS."""
        row = self.observe(now)
        idle = self.mode == IDLE
        joined = self._joined if idle else 0
        return [
            now,
            float(self._blocks),
            row[FREE] - self._needs[self._observed % self._block_size] % OUTLIVED,
            row[PEAK] - self._waiting_peak,
            float(self._host_free),
            float(self._batch),
            row[QUEUED],
            row[PREFILL] - joined,
            self._iteration_s() if idle else row[ITERATION],
            float(self._chunk_tokens - self._batch - joined),
            float(joined),
        ]
