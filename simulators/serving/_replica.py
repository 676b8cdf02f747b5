"""One replica of the serving engine: continuous batching over paged KV memory, in macro steps.

Follows vLLM V1: running requests decode first, a chunk of a started prompt goes on next, then waiting
requests are admitted first come first served while the token budget, the batch limit and the free blocks
last. Where decoding needs a block and none is free, the last admitted request is preempted: its blocks are
freed and it goes to the head of the waiting line with prompt + generated tokens to compute again. In an
iteration that preempted nothing is admitted.

Bookkeeping is lazy. ``steps`` counts iterations; a decoding request has generated ``steps - base`` tokens
and holds one token of KV cache for each prompt token and each generated one but the last. So nothing is
touched per request and iteration: a heap holds the steps at which requests finish, another those at which
they outlive their prediction, and ``growth[r]`` counts the requests that need a block when ``steps`` is
congruent to r modulo the block size.
"""

from collections import deque
from heapq import heapify, heappop, heappush
from math import sqrt

from ._observation import REPLICA_FIELDS
from ._requests import Requests
from ._trace import ReplicaSpec

IDLE, DECODING, MIXED = 0, 1, 2
"""What a replica is doing: nothing is planned; a jump of decode iterations; one iteration with prompt chunks."""

_SHIFT = 24
_MASK = (1 << _SHIFT) - 1
MAX_REQUESTS = 1 << _SHIFT
"""Heaps hold step << 24 | request as one int, which compares faster than a tuple."""

_USED, _FREE, _RESERVED, _RUNNING, _QUEUED, _PREFILL, _DECODE, _CONTEXT, _ITERATION, _PEAK, _PREEMPTIONS = (
    REPLICA_FIELDS.index(name)
    for name in (
        "used_blocks",
        "free_blocks",
        "reserved_blocks",
        "running",
        "queued",
        "prefill_tokens",
        "decode_tokens",
        "context_tokens",
        "iteration_s",
        "peak_blocks",
        "preemptions",
    )
)


class Totals:
    """What a replica counted over a run."""

    __slots__ = (
        "iterations",
        "max_used_blocks",
        "output_tokens",
        "preemptions",
        "prefill_tokens",
        "recomputed_tokens",
    )

    def __init__(self) -> None:
        self.iterations = 0
        self.prefill_tokens = 0
        """Prompt tokens computed, again after preemptions included."""
        self.recomputed_tokens = 0
        """Tokens that had to be computed again because of preemptions."""
        self.output_tokens = 0
        """Output tokens yielded."""
        self.preemptions = 0
        self.max_used_blocks = 0


class Replica:
    """State of one replica. Times are seconds. The cluster calls the public methods; all else is private."""

    __slots__ = (
        "_alive",
        "_alive_sum",
        "_batch",
        "_block_size",
        "_blocks",
        "_chunk_tokens",
        "_context",
        "_context_s",
        "_decode_fixed_s",
        "_decode_table",
        "_finishing",
        "_growth",
        "_head_s",
        "_linear",
        "_macro",
        "_max_batch",
        "_observed",
        "_outgrowth",
        "_outlived",
        "_outlived_at",
        "_outlived_blocks",
        "_outliving",
        "_pair_s",
        "_partial_done",
        "_partial_left",
        "_peak_fixed",
        "_pending_decode",
        "_planned",
        "_prefill_fixed_s",
        "_prefills",
        "_quadratic",
        "_requests",
        "_running",
        "_started",
        "_steps",
        "_token_s",
        "_used",
        "_waiting",
        "index",
        "mode",
        "row",
        "totals",
        "version",
    )

    def __init__(self, index: int, spec: ReplicaSpec, requests: Requests, *, macro: bool = True):
        self.index = index
        self.mode = IDLE
        self.version = 0
        self.totals = Totals()
        self.row = [0.0] * len(REPLICA_FIELDS)
        self.row[:5] = [float(index), spec.speed, float(spec.blocks), 0.0, float(spec.blocks)]
        self._requests = requests
        self._macro = macro
        self._blocks = spec.blocks
        self._block_size = spec.block_size
        self._max_batch = spec.max_batch
        self._chunk_tokens = spec.chunk_tokens
        cost = spec.cost
        self._token_s = cost.token_s
        self._head_s = cost.head_s
        self._decode_table = [0.0] + [cost.decode_s(b, 0.0) for b in range(1, spec.max_batch + 1)]
        self._decode_fixed_s = cost.decode_fixed_s
        self._context_s = cost.context_s
        self._pair_s = cost.pair_s
        self._prefill_fixed_s = cost.prefill_fixed_s
        self._started = self._linear = self._quadratic = 0.0
        self._planned = 0
        self._running: dict[int, None] = {}
        self._waiting: deque[int] = deque()
        self._prefills: list[int] = []
        self._partial_done = self._partial_left = 0
        self._steps = self._batch = 0
        self._finishing: list[int] = []
        self._outliving: list[int] = []
        # Whole numbers kept as floats: they are copied into observations, which are doubles.
        self._context = self._used = 0.0
        self._growth = [0.0] * (2 * spec.block_size)
        self._outgrowth = [0.0] * (2 * spec.block_size)
        self._alive = self._alive_sum = self._outlived = self._outlived_blocks = 0.0
        self._outlived_at = 0
        self._pending_decode = self._peak_fixed = 0.0
        self._observed = -1

    def accept(self, request: int) -> bool:
        """Queue a placed request. Returns True if it may be admitted when the iteration under way ends."""
        requests = self._requests
        blocks = requests.prompt_blocks[request]
        predicted = requests.predicted[request]
        peak = requests.peak_blocks[request]
        row = self.row
        row[_QUEUED] += 1.0
        row[_RESERVED] += blocks
        row[_PREFILL] += requests.prompt[request]
        row[_DECODE] += predicted
        row[_PEAK] += peak
        self._pending_decode += predicted
        self._peak_fixed += peak
        self._waiting.append(request)
        return (
            len(self._waiting) == 1
            and blocks <= self._blocks - self._used
            and len(self._running) < self._max_batch
        )

    def schedule(self, now: float) -> float:
        """Start what comes next at ``now``. Returns when it ends, or -1.0 if there is nothing to do."""
        if not self._running and not self._waiting:
            return -1.0
        self._observed = -1
        preempted = self._growth[self._steps % self._block_size] > self._blocks - self._used
        if preempted:
            self._preempt()
        self.version += 1
        self._started = now
        if self._prefills or (self._waiting and not preempted):
            duration = self._plan_prompts(now, admit=not preempted)
            if duration > 0.0:
                self.mode = MIXED
                self._planned = 1
                return now + duration
        self.mode = DECODING
        batch = self._batch
        planned = (self._finishing[0] >> _SHIFT) - self._steps
        if preempted or not self._macro:
            planned = 1
        else:
            free = self._blocks - self._used
            if batch * (planned // self._block_size + 1) > free:
                planned = min(planned, self._steps_until_full(int(free)))
        self._planned = planned
        self._quadratic = quadratic = 0.5 * self._context_s * batch
        self._linear = linear = self._decode_table[batch] + self._context_s * (self._context + batch) - quadratic
        return now + planned * (linear + quadratic * planned)

    def cut(self, now: float) -> float:
        """Let a jump end with the iteration under way at ``now``. Returns its end, or -1.0 if it ends there anyway."""
        planned = self._completed(now) + 1
        if planned >= self._planned:
            return -1.0
        self._planned = planned
        self.version += 1
        return self._started + planned * (self._linear + self._quadratic * planned)

    def complete(self, now: float) -> int:
        """End the planned iterations at ``now``. Returns how many requests finished."""
        done = self._planned
        batch = self._batch
        totals = self.totals
        totals.iterations += done
        if batch:
            self._used += self._grown(self._growth, batch, self._steps, done)
            self._context += batch * done
            totals.output_tokens += batch * done
        self._steps = steps = self._steps + done
        if self._used > totals.max_used_blocks:
            totals.max_used_blocks = int(self._used)
        mixed = self.mode == MIXED
        self.mode = IDLE
        self._observed = -1
        finished = 0
        finishing = self._finishing
        limit = (steps + 1) << _SHIFT
        while finishing and finishing[0] < limit:
            request = heappop(finishing) & _MASK
            self._leave(request)
            self._requests.finish_s[request] = now
            finished += 1
        if mixed:
            finished += self._complete_prompts(now)
        return finished

    def observe(self, now: float) -> list[float]:
        """Return the replica's row as of ``now``. The list is the replica's own: copy it, do not keep it."""
        row = self.row
        steps = self._steps
        done = self._completed(now) if self.mode == DECODING else 0
        at = steps + done
        if at == self._observed:
            return row
        self._observed = at
        used, context, batch = self._used, self._context, self._batch
        if done:
            used += self._grown(self._growth, batch, steps, done)
            context += batch * done
        row[_USED] = used
        row[_FREE] = self._blocks - used
        row[_CONTEXT] = context
        row[_ITERATION] = self._decode_table[batch] + self._context_s * (context + batch) if batch else 0.0
        since = at - self._outlived_at
        if since and self._outlived:
            self._outlived_blocks += self._grown(self._outgrowth, self._outlived, self._outlived_at, since)
        self._outlived_at = at
        outliving = self._outliving
        if outliving and outliving[0] < (at + 1) << _SHIFT:
            self._outlive((at + 1) << _SHIFT)
        row[_DECODE] = self._pending_decode + self._alive_sum - self._alive * at
        row[_PEAK] = self._peak_fixed + self._outlived_blocks
        return row

    def _completed(self, now: float) -> int:
        """Return how many iterations of the jump under way have ended by ``now`` (never all of them).

        The end of iteration k is at k (linear + quadratic k); the root is taken in the form without
        cancellation and corrected by one where rounding put it on the wrong side.
        """
        since = now - self._started
        linear, quadratic = self._linear, self._quadratic
        done = int(2.0 * since / (linear + sqrt(linear * linear + 4.0 * quadratic * since)))
        if done * (linear + quadratic * done) > since:
            done -= 1
        elif (done + 1) * (linear + quadratic * (done + 1)) <= since:
            done += 1
        return done if done < self._planned else self._planned - 1

    def _grown(self, table: list[float], members: float, steps: int, done: int) -> float:
        """Return the blocks ``members`` requests take in ``done`` steps from ``steps``, by their table of residues."""
        size = self._block_size
        phase = steps % size
        if done < size:
            return sum(table[phase : phase + done])
        cycles, rest = divmod(done, size)
        return cycles * members + sum(table[phase : phase + rest])

    def _steps_until_full(self, free: int) -> int:
        """Return after how many decode steps the next one would need more than ``free`` blocks."""
        cycles = free // self._batch
        left = free - cycles * self._batch
        steps = cycles * self._block_size
        position = self._steps % self._block_size
        while self._growth[position] <= left:
            left -= int(self._growth[position])
            steps += 1
            position = (position + 1) % self._block_size
        return steps

    def _plan_prompts(self, now: float, *, admit: bool) -> float:
        """Choose the prompt chunks of the next iteration. Returns its duration, or 0.0 if there is none to compute."""
        requests = self._requests
        batch, prefills = self._batch, self._prefills
        budget = self._chunk_tokens - batch
        pairs = 0.0
        left = 0
        if prefills:
            past = self._partial_done
            left = requests.pending[prefills[0]] - past
            chunk = min(left, budget)
            pairs = chunk * (past + 0.5 * chunk)
            budget -= chunk
            left -= chunk
        waiting = self._waiting if admit else ()
        free = self._blocks - self._used - self._growth[self._steps % self._block_size]
        while waiting and budget and len(self._running) < self._max_batch:
            total = requests.pending[waiting[0]]
            need = -(-total // self._block_size)
            if need > free:
                break
            free -= need
            prefills.append(self._admit(now, need))
            chunk = min(total, budget)
            pairs += 0.5 * chunk * chunk
            budget -= chunk
            left = total - chunk
        if not prefills:
            return 0.0
        self._partial_left = left
        sequences = batch + len(prefills)
        duration = self._token_s[self._chunk_tokens - budget] + self._head_s[sequences]
        duration += self._prefill_fixed_s + self._pair_s * pairs
        if batch:
            duration += self._decode_fixed_s + self._context_s * (self._context - self._partial_done + batch)
        return duration

    def _admit(self, now: float, need: int) -> int:
        """Move the first waiting request to the running ones and give it ``need`` blocks. Returns it."""
        request = self._waiting.popleft()
        self._running[request] = None
        self._used += need
        row = self.row
        row[_QUEUED] -= 1.0
        row[_RUNNING] += 1.0
        row[_RESERVED] -= need
        if self._requests.admitted_s[request] < 0.0:
            self._requests.admitted_s[request] = now
        return request

    def _complete_prompts(self, now: float) -> int:
        """Account the chunks of the iteration that ended at ``now``. Returns how many requests finished with it."""
        requests, row = self._requests, self.row
        prefills, self._prefills = self._prefills, []
        past, left = self._partial_done, self._partial_left
        self._partial_done = 0
        finished = 0
        for position, request in enumerate(prefills):
            total = requests.pending[request]
            partial = left > 0 and position == len(prefills) - 1
            computed = total - past - (left if partial else 0)
            self._context += computed
            row[_PREFILL] -= computed
            self.totals.prefill_tokens += computed
            if partial:
                self._prefills.append(request)
                self._partial_done = past + computed
                break
            past = 0
            finished += self._first_token(request, total, now)
        return finished

    def _first_token(self, request: int, cached: int, now: float) -> int:
        """Let ``request`` yield the token its prompt was computed for. Returns 1 if that was its last one."""
        requests = self._requests
        before = requests.generated[request]
        predicted = requests.predicted[request]
        self.totals.output_tokens += 1
        if before < predicted:
            self._pending_decode -= predicted - before
        if not before:
            requests.first_token_s[request] = now
        if before + 1 == requests.output[request]:
            self._used -= -(-cached // self._block_size)
            self._context -= cached
            self._peak_fixed -= requests.peak_blocks[request]
            del self._running[request]
            self.row[_RUNNING] -= 1.0
            requests.finish_s[request] = now
            return 1
        base = self._steps - before - 1
        requests.base[request] = base
        self._batch += 1
        phase = (base + 1 - requests.prompt[request]) % self._block_size
        self._growth[phase] += 1.0
        self._growth[phase + self._block_size] += 1.0
        heappush(self._finishing, (base + requests.output[request]) << _SHIFT | request)
        outlives = base + predicted
        requests.outlives[request] = outlives
        heappush(self._outliving, outlives << _SHIFT | request)
        self._alive += 1.0
        self._alive_sum += outlives
        return 0

    def _leave(self, request: int) -> None:
        """Take a decoding request out of all counters, with its blocks."""
        requests, size = self._requests, self._block_size
        base, prompt = requests.base[request], requests.prompt[request]
        cached = prompt + self._steps - base - 1
        self._batch -= 1
        self._context -= cached
        self._used -= -(-cached // size)
        phase = (base + 1 - prompt) % size
        self._growth[phase] -= 1.0
        self._growth[phase + size] -= 1.0
        del self._running[request]
        self.row[_RUNNING] -= 1.0
        outlives = requests.outlives[request]
        if outlives >= 0:
            requests.outlives[request] = -1
            self._alive -= 1.0
            self._alive_sum -= outlives
            self._peak_fixed -= requests.peak_blocks[request]
        else:
            phase = (base - prompt) % size
            self._outgrowth[phase] -= 1.0
            self._outgrowth[phase + size] -= 1.0
            self._outlived -= 1.0
            self._outlived_blocks -= -(-(prompt + self._outlived_at - base) // size)

    def _outlive(self, limit: int) -> None:
        """Move requests whose prediction ended before heap entry ``limit`` to those counted by what they generated."""
        requests, size = self._requests, self._block_size
        outliving = self._outliving
        while outliving and outliving[0] < limit:
            entry = heappop(outliving)
            request = entry & _MASK
            outlives = entry >> _SHIFT
            if requests.outlives[request] != outlives:
                continue  # it finished, or was preempted, before it came to that
            requests.outlives[request] = -1
            self._alive -= 1.0
            self._alive_sum -= outlives
            self._peak_fixed -= requests.peak_blocks[request]
            base, prompt = requests.base[request], requests.prompt[request]
            phase = (base - prompt) % size
            self._outgrowth[phase] += 1.0
            self._outgrowth[phase + size] += 1.0
            self._outlived += 1.0
            self._outlived_blocks += -(-(prompt + self._outlived_at - base) // size)

    def _preempt(self) -> None:
        """Send the last admitted requests back to the head of the line until the next decode step has its blocks."""
        phase = self._steps % self._block_size
        while self._growth[phase] > self._blocks - self._used:
            request = next(reversed(self._running))
            if self._prefills:
                self._drop_partial(request)
            else:
                self._drop_decoding(request)
            requests = self._requests
            requests.preemptions[request] += 1
            self._waiting.appendleft(request)
            row = self.row
            row[_QUEUED] += 1.0
            row[_RESERVED] += -(-requests.pending[request] // self._block_size)
            row[_PREEMPTIONS] += 1.0
            self.totals.preemptions += 1

    def _drop_partial(self, request: int) -> None:
        """Forget the computed part of the one prompt under way, always of the last admitted request."""
        done, self._partial_done = self._partial_done, 0
        self._prefills = []
        self._context -= done
        self._used -= -(-self._requests.pending[request] // self._block_size)
        del self._running[request]
        self.row[_RUNNING] -= 1.0
        self.row[_PREFILL] += done
        self.totals.recomputed_tokens += done

    def _drop_decoding(self, request: int) -> None:
        """Turn a decoding request back into one whose prompt is prompt + what it generated."""
        requests = self._requests
        self._leave(request)
        base, prompt = requests.base[request], requests.prompt[request]
        self._finishing.remove((base + requests.output[request]) << _SHIFT | request)
        heapify(self._finishing)
        generated = self._steps - base
        predicted = requests.predicted[request]
        total = prompt + generated
        peak = -(-(prompt + max(predicted, generated)) // self._block_size)
        requests.generated[request] = generated
        requests.pending[request] = total
        requests.peak_blocks[request] = peak
        self._peak_fixed += peak
        self._pending_decode += max(predicted - generated, 0)
        self.row[_PREFILL] += total
        self.totals.recomputed_tokens += total

    def is_empty(self) -> bool:
        """Return whether nothing is queued, running, held or remembered."""
        row = self.row
        held = (self._used, self._context, self._alive, self._outlived, self._outlived_blocks, self._peak_fixed)
        lines = (self._running, self._waiting, self._prefills, self._finishing)
        left = (row[_QUEUED], row[_RUNNING], row[_RESERVED], row[_PREFILL], self._pending_decode, sum(self._growth))
        return not any(held) and not any(lines) and not any(left)
