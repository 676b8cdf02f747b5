"""One replica of the serving engine: continuous batching over paged KV memory, in macro steps.

Follows vLLM V1. Running requests decode first, a started prompt goes on next, then waiting requests are
admitted first come first served while the token budget, the batch limit and the free blocks last; a request
is admitted when the blocks of its whole prompt are free. Where decoding needs a block and none is free, the
last admitted request is preempted: its blocks are freed and it goes to the head of the waiting line with
prompt + generated tokens to compute again. An iteration that preempted admits nothing.

Decode-only iterations are planned in one jump, until the first request finishes or the blocks run out: the
time of k of them is k (linear + quadratic k). An iteration with prompt chunks is planned alone.
"""

from heapq import heappop
from math import sqrt

from ._batch import (
    CONTEXT,
    DECODE,
    FREE,
    ITERATION,
    MASK,
    OUTLIVED,
    PEAK,
    PER_OUTLIVED,
    PREFILL,
    QUEUED,
    RESERVED,
    SHIFT,
    USED,
    Batch,
)
from ._requests import Requests
from ._trace import ReplicaSpec

IDLE, DECODING, MIXED = 0, 1, 2
"""What a replica does: nothing is planned; a jump of decode iterations; one iteration with prompt chunks."""

ROUNDING = 1e-9
"""Far above the rounding of a computed number of iterations: raised by it, the number is never too low."""


class Replica(Batch):
    """One replica. Times are seconds. The cluster calls the public methods; all else is private."""

    __slots__ = (
        "_chunk_tokens",
        "_context_s",
        "_decode_fixed_s",
        "_decode_table",
        "_head_s",
        "_linear",
        "_macro",
        "_max_batch",
        "_mixed_context_s",
        "_observed",
        "_pair_s",
        "_partial_left",
        "_planned",
        "_prefill_fixed_s",
        "_quadratic",
        "_started",
        "_token_s",
        "mode",
        "version",
    )

    def __init__(self, index: int, spec: ReplicaSpec, requests: Requests, *, macro: bool = True):
        super().__init__(index, spec, requests)
        self.mode = IDLE
        self.version = 0
        """Of the plan: an event made for another version is void."""
        cost = spec.cost
        self._token_s = cost.token_s
        self._head_s = cost.head_s
        self._decode_table = [0.0] + [cost.decode_s(b, 0.0) for b in range(1, spec.max_batch + 1)]
        self._decode_fixed_s = cost.decode_fixed_s
        self._context_s = cost.context_s
        self._mixed_context_s = cost.mixed_context_s
        self._pair_s = cost.pair_s
        self._prefill_fixed_s = cost.prefill_fixed_s
        self._max_batch = spec.max_batch
        self._chunk_tokens = spec.chunk_tokens
        self._macro = macro
        self._started = self._linear = self._quadratic = 0.0
        self._planned = 0
        self._partial_left = 0
        self._observed = -1
        """Step the row shows, or -1 where an event may have changed it since."""

    def accept(self, request: int) -> bool:
        """Queue a placed request. Returns True if it may be admitted when the iteration under way ends."""
        requests, row = self._requests, self.row
        blocks = requests.prompt_blocks[request]
        predicted = self._predicted[request]
        peak = self._peak_blocks[request]
        row[QUEUED] += 1.0
        row[RESERVED] += blocks
        row[PREFILL] += requests.prompt[request]
        row[DECODE] += predicted
        row[PEAK] += peak
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
        free = self._blocks - self._used
        preempted = False
        if free < self._batch and self._needs[self._steps % self._block_size] % OUTLIVED > free:
            self._preempt()
            preempted = True
        self.version += 1
        self._started = now
        if self._prefills or (self._waiting and not preempted):
            duration = self._plan_prompts(now, admit=not preempted)
            if duration > 0.0:
                self.mode = MIXED
                self._planned = 1
                return now + duration
        batch = self._batch
        if not batch:
            return -1.0  # What is computed and not sent on takes the blocks of what waits.
        self.mode = DECODING
        planned = (self._finishing[0] >> SHIFT) - self._steps
        if preempted or not self._macro:
            planned = 1
        elif batch * (planned // self._block_size + 1) > free:
            planned = min(planned, self._steps_until_full())
        self._planned = planned
        self._quadratic = quadratic = 0.5 * self._context_s * batch
        first = self._decode_table[batch] + self._context_s * (self._context + batch)
        self._linear = linear = first - quadratic
        return now + planned * (linear + quadratic * planned)

    def cut(self, now: float) -> float:
        """Let a jump end with the iteration under way at ``now``.

        Returns:
            The new end, or -1.0 where the plan ends there anyway.
        """
        planned = self._ended(now) + 1
        if planned >= self._planned:
            return -1.0
        self._planned = planned
        self.version += 1
        return self._started + planned * (self._linear + self._quadratic * planned)

    def _ended(self, now: float) -> int:
        """Return how many iterations of a jump have ended at ``now``; its last one ends with its event, not before.

        The end of iteration k is at k (linear + quadratic k); the root is taken in the form without cancellation, a
        hair too high, and lowered where that put it on the wrong side.
        """
        since = now - self._started
        linear, quadratic = self._linear, self._quadratic
        done = int(2.0 * since / (linear + sqrt(linear * linear + 4.0 * quadratic * since)) + ROUNDING)
        if done * (linear + quadratic * done) > since:
            done -= 1
        return done if done < self._planned else self._planned - 1

    def complete(self, now: float) -> int:
        """End the planned iterations at ``now``. Returns how many requests finished."""
        done = self._planned
        self.iterations += done
        steps = self._steps
        batch = self._batch
        used = self._used
        if batch:
            size = self._block_size
            phase = steps % size
            if done == 1:
                needed = self._needs[phase]
            else:
                cycles = done // size
                needed = cycles * self._members + sum(self._needs[phase : phase + done - cycles * size])
            if needed:
                outlived = int(needed * PER_OUTLIVED)
                self._used = used = used + needed - outlived * OUTLIVED
                self._outlived_blocks += outlived
            self._context += batch * done
            self.output_tokens += batch * done
        self._steps = steps = steps + done
        if used > self.max_used_blocks:
            self.max_used_blocks = int(used)
        mixed = self.mode == MIXED
        self.mode = IDLE
        self._observed = -1
        finished = 0
        finishing = self._finishing
        limit = (steps + 1) << SHIFT
        while finishing and finishing[0] < limit:
            request = heappop(finishing) & MASK
            self._leave(request)
            self._requests.finish_s[request] = now
            finished += 1
        if mixed:
            finished += self._complete_prompts(now)
        return finished

    def observe(self, now: float) -> list[float]:
        """Return the replica's row as of ``now``. The list is the replica's own: copy it, do not keep it.

        Asked of every replica for every decision: ``_ended`` is written out here.
        """
        row = self.row
        at = steps = self._steps
        used, batch = self._used, self._batch
        context, outlived_blocks = self._context, self._outlived_blocks
        if self.mode == 1:
            since = now - self._started
            linear = self._linear
            quadratic = self._quadratic
            done = int(2.0 * since / (linear + sqrt(linear * linear + 4.0 * quadratic * since)) + ROUNDING)
            if done * (linear + quadratic * done) > since:
                done -= 1
            if done >= self._planned:
                done = self._planned - 1
            at += done
            if at == self._observed:
                return row
            if at >= self._next_outlives:
                self._outlive(at)
                outlived_blocks = self._outlived_blocks
            size = self._block_size
            phase = steps % size
            cycles = done // size
            needed = cycles * self._members + sum(self._needs[phase : phase + done - cycles * size])
            outlived = int(needed * PER_OUTLIVED)
            used += needed - outlived * OUTLIVED
            outlived_blocks += outlived
            context += batch * done
            row[ITERATION] = linear + quadratic * (2 * done + 1)
        elif at == self._observed:
            return row
        else:
            if at >= self._next_outlives:
                self._outlive(at)
                outlived_blocks = self._outlived_blocks
            row[ITERATION] = self._decode_table[batch] + self._context_s * (context + batch) if batch else 0.0
        self._observed = at
        row[USED] = used
        row[FREE] = self._blocks - used
        row[DECODE] = self._pending_decode + self._alive_sum - self._alive * at
        row[CONTEXT] = context
        row[PEAK] = self._peak_fixed + outlived_blocks
        return row

    def _plan_prompts(self, now: float, *, admit: bool) -> float:
        """Choose the prompt chunks of the next iteration. Returns its duration, or 0.0 if there is none."""
        requests = self._requests
        batch, prefills = self._batch, self._prefills
        budget = self._chunk_tokens - batch
        pairs = 0.0
        left = 0
        if prefills:
            past = self._partial_done
            left = requests.pending[prefills[0]] - past
            chunk = left if left < budget else budget
            pairs = chunk * (past + 0.5 * chunk)
            budget -= chunk
            left -= chunk
        if admit and self._waiting:
            waiting = self._waiting
            size = self._block_size
            free = self._blocks - self._used - self._needs[self._steps % size] % OUTLIVED
            while waiting and budget and len(self._running) < self._max_batch:
                total = requests.pending[waiting[0]]
                need = -(-total // size)
                if need > free:
                    break
                free -= need
                request = self._admit(now, need)
                prefills.append(request)
                past = requests.cached[request]
                left = total - past
                chunk = left if left < budget else budget
                pairs += chunk * (past + 0.5 * chunk)
                budget -= chunk
                left -= chunk
        if not prefills:
            return 0.0
        self._partial_left = left
        duration = self._token_s[self._chunk_tokens - budget] + self._head_s[batch + len(prefills)]
        duration += self._prefill_fixed_s + self._pair_s * pairs
        if batch:
            attended = self._context - self._partial_done + batch
            duration += self._decode_fixed_s + self._mixed_context_s * attended
        return duration

    def _complete_prompts(self, now: float) -> int:
        """Account the chunks of the iteration that ended at ``now``. Returns how many requests finished."""
        requests, row = self._requests, self.row
        prefills, self._prefills = self._prefills, []
        past, left = self._partial_done, self._partial_left
        self._partial_done = 0
        finished = 0
        last = prefills[-1]
        for request in prefills:
            total = requests.pending[request]
            held = past
            past = past or requests.cached[request]
            computed = total - past
            if left and request == last:
                computed -= left
                self._prefills.append(request)
                self._partial_done = past + computed
            self._context += past + computed - held
            row[PREFILL] -= computed
            self.prefill_tokens += computed
            if not self._prefills:
                finished += self._first_token(request, total, now)
            past = 0
        return finished
