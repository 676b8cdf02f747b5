"""Who is in a replica's batch, and what they hold: counters that are not touched iteration by iteration.

``steps`` counts the replica's iterations. A decoding request has generated ``steps - base`` tokens and holds
one token of KV cache for each prompt token and each generated one but the last. So a heap of the steps at
which requests finish, and a table of how many need a block at which remainder of ``steps``, replace a visit
to every request in every iteration; a change of the batch costs O(log batch).

What a router may know of the future goes by predictions. A request that decodes within its prediction adds
``outlives - steps`` to the tokens to come and a constant to the peak of blocks. Once it outlives its
prediction it adds nothing to the former, and the blocks of what it has generated to the latter.
"""

from collections import deque
from heapq import heapify, heappop, heappush

from ._observation import REPLICA_FIELDS
from ._requests import Requests
from ._trace import ReplicaSpec

SHIFT = 24
MASK = (1 << SHIFT) - 1
NEVER = 1 << 62
MAX_REQUESTS = 1 << SHIFT
"""Heaps hold step << 24 | request in one int, which compares faster than a tuple."""

OUTLIVED = float(1 << 26)
"""Two counts in one float, so that one sum over the table of remainders serves both: both stay below 2^26, and
doubles hold whole numbers up to 2^53. Floats add up faster than ints of more than 30 bits."""
PER_OUTLIVED = 1.0 / OUTLIVED

(
    USED,
    FREE,
    RESERVED,
    RUNNING,
    QUEUED,
    PREFILL,
    DECODE,
    CONTEXT,
    ITERATION,
    PEAK,
    PREEMPTIONS,
) = range(REPLICA_FIELDS.index("used_blocks"), len(REPLICA_FIELDS))


class Batch:
    """Requests queued and running at one replica. Whole numbers that observations show are kept as floats."""

    __slots__ = (
        "_alive",
        "_alive_sum",
        "_batch",
        "_block_size",
        "_blocks",
        "_context",
        "_finishing",
        "_members",
        "_needs",
        "_next_outlives",
        "_outlived_blocks",
        "_outliving",
        "_partial_done",
        "_peak_blocks",
        "_peak_fixed",
        "_pending_decode",
        "_predicted",
        "_prefills",
        "_requests",
        "_running",
        "_steps",
        "_used",
        "_waiting",
        "index",
        "iterations",
        "max_used_blocks",
        "output_tokens",
        "preemptions",
        "prefill_tokens",
        "recomputed_tokens",
        "row",
    )

    def __init__(self, index: int, spec: ReplicaSpec, requests: Requests):
        self.index = index
        self.iterations = self.preemptions = self.max_used_blocks = 0
        self.output_tokens = self.prefill_tokens = self.recomputed_tokens = 0
        self.row = [0.0] * len(REPLICA_FIELDS)
        """The observed row. ``Replica.observe`` brings it up to date; what changes only with events always is."""
        self.row[:5] = [float(index), float(spec.speed), float(spec.blocks), 0.0, float(spec.blocks)]
        self._requests = requests
        self._predicted = requests.predicted
        self._peak_blocks = requests.peak_blocks
        """Of each request: tokens that are expected to be generated here, and blocks that it then holds."""
        self._blocks = spec.blocks
        self._block_size = spec.block_size
        self._waiting: deque[int] = deque()
        self._running: dict[int, None] = {}
        """In order of admission: the last one is the next victim."""
        self._prefills: list[int] = []
        """Requests whose prompt is being computed: at most one between iterations, always the last admitted."""
        self._partial_done = 0
        self._steps = 0
        self._batch = 0
        """Decoding requests."""
        self._context = self._used = 0.0
        self._finishing: list[int] = []
        self._needs = [0.0] * (2 * spec.block_size)
        """Entry r (and r + block size, so that a slice may wrap): requests that need a block at steps = r, plus
        OUTLIVED for each that has outlived its prediction and whose blocks to expect grow at steps = r."""
        self._members = 0.0
        """Sum of ``_needs`` over one block size."""
        self._outliving: list[int] = []
        self._next_outlives = NEVER
        """Step of the first entry of ``_outliving``."""
        self._alive = self._alive_sum = self._outlived_blocks = 0.0
        self._pending_decode = self._peak_fixed = 0.0

    def is_empty(self) -> bool:
        """Return whether nothing is queued, running, held or remembered."""
        row = self.row
        lines = (self._running, self._waiting, self._prefills, self._finishing, sum(self._needs))
        held = (self._used, self._context, self._alive, self._alive_sum, self._outlived_blocks, self._peak_fixed)
        shown = (row[QUEUED], row[RUNNING], row[RESERVED], row[PREFILL], self._pending_decode, self._members)
        return not (any(lines) or any(held) or any(shown))

    def _steps_until_full(self) -> int:
        """Return after how many decode steps the next one would find too few free blocks."""
        cycles, left = divmod(int(self._blocks - self._used), self._batch)
        steps = cycles * self._block_size
        position = self._steps % self._block_size
        while (need := self._needs[position] % OUTLIVED) <= left:
            left -= int(need)
            steps += 1
            position = (position + 1) % self._block_size
        return steps

    def _admit(self, now: float, need: int) -> int:
        """Move the first waiting request to the running ones and give it ``need`` blocks. Returns it."""
        request = self._waiting.popleft()
        self._running[request] = None
        self._used += need
        row = self.row
        row[QUEUED] -= 1.0
        row[RUNNING] += 1.0
        row[RESERVED] -= need
        if self._requests.admitted_s[request] < 0.0:
            self._requests.admitted_s[request] = now
        return request

    def _first_token(self, request: int, cached: int, now: float) -> int:
        """Let ``request`` yield the token its prompt was computed for. Returns 1 if that was its last one."""
        requests = self._requests
        before = requests.generated[request]
        predicted = requests.predicted[request]
        self.output_tokens += 1
        if before < predicted:
            self._pending_decode -= predicted - before
        if not before:
            requests.first_token_s[request] = now
        if before + 1 == requests.output[request]:
            self._used -= -(-cached // self._block_size)
            self._context -= cached
            self._peak_fixed -= requests.peak_blocks[request]
            del self._running[request]
            self.row[RUNNING] -= 1.0
            requests.finish_s[request] = now
            return 1
        self._decode(request, self._steps - before - 1)
        return 0

    def _decode(self, request: int, base: int) -> None:
        """Let ``request`` decode from the next step on; it has generated ``steps - base`` tokens."""
        requests = self._requests
        requests.base[request] = base
        self._batch += 1
        position = (base + 1 - requests.prompt[request]) % self._block_size
        self._needs[position] += 1.0
        self._needs[position + self._block_size] += 1.0
        self._members += 1.0
        heappush(self._finishing, (base + requests.output[request]) << SHIFT | request)
        outlives = base + requests.predicted[request]
        requests.outlives[request] = outlives
        heappush(self._outliving, outlives << SHIFT | request)
        if outlives < self._next_outlives:
            self._next_outlives = outlives
        self._alive += 1.0
        self._alive_sum += outlives

    def _leave(self, request: int) -> None:
        """Take a decoding request out of all counters, with its blocks."""
        requests, size = self._requests, self._block_size
        base, prompt = requests.base[request], requests.prompt[request]
        cached = prompt + self._steps - base - 1
        self._batch -= 1
        self._context -= cached
        self._used -= -(-cached // size)
        position = (base + 1 - prompt) % size
        needs = self._needs
        needs[position] -= 1.0
        needs[position + size] -= 1.0
        self._members -= 1.0
        del self._running[request]
        self.row[RUNNING] -= 1.0
        outlives = requests.outlives[request]
        if outlives >= 0:
            requests.outlives[request] = -1
            self._alive -= 1.0
            self._alive_sum -= outlives
            self._peak_fixed -= requests.peak_blocks[request]
        else:
            position = (base - prompt) % size
            needs[position] -= OUTLIVED
            needs[position + size] -= OUTLIVED
            self._members -= OUTLIVED
            self._outlived_blocks -= -(-(prompt + self._steps - base) // size)

    def _outlive(self, at: int) -> None:
        """Take note of the requests that have outlived their prediction at step ``at``.

        Their blocks are counted as of ``_steps``, also where they outlive it later: the table of remainders adds
        to all alike what they grow from there.
        """
        requests, outliving = self._requests, self._outliving
        needs, size = self._needs, self._block_size
        limit = (at + 1) << SHIFT
        while outliving and outliving[0] < limit:
            entry = heappop(outliving)
            request = entry & MASK
            outlives = entry >> SHIFT
            if requests.outlives[request] != outlives:
                continue  # it finished, or was preempted, before it came to that
            requests.outlives[request] = -1
            self._alive -= 1.0
            self._alive_sum -= outlives
            self._peak_fixed -= requests.peak_blocks[request]
            base, prompt = requests.base[request], requests.prompt[request]
            position = (base - prompt) % size
            needs[position] += OUTLIVED
            needs[position + size] += OUTLIVED
            self._members += OUTLIVED
            self._outlived_blocks += -(-(prompt + self._steps - base) // size)
        self._next_outlives = outliving[0] >> SHIFT if outliving else NEVER

    def _preempt(self) -> None:
        """Send the last admitted requests back to the head of the line until the next step has its blocks."""
        phase = self._steps % self._block_size
        requests, row = self._requests, self.row
        while self._needs[phase] % OUTLIVED > self._blocks - self._used:
            request = next(reversed(self._running))
            if self._prefills:
                self._drop_partial(request)
            else:
                self._drop_decoding(request)
            requests.preemptions[request] += 1
            self._waiting.appendleft(request)
            row[QUEUED] += 1.0
            row[RESERVED] += -(-requests.pending[request] // self._block_size)
            row[PREEMPTIONS] += 1.0
            self.preemptions += 1

    def _drop_partial(self, request: int) -> None:
        """Forget the computed part of the one prompt under way."""
        done, self._partial_done = self._partial_done, 0
        self._prefills = []
        self._context -= done
        self._used -= -(-self._requests.pending[request] // self._block_size)
        del self._running[request]
        self.row[RUNNING] -= 1.0
        self.row[PREFILL] += done
        self.recomputed_tokens += done

    def _drop_decoding(self, request: int) -> None:
        """Turn a decoding request into one that waits with prompt + generated tokens to compute.

        The last generated token has no KV cache yet; it is part of the new prompt, which yields the one after it.
        """
        requests = self._requests
        self._leave(request)
        base, prompt = requests.base[request], requests.prompt[request]
        self._finishing.remove((base + requests.output[request]) << SHIFT | request)
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
        self.row[PREFILL] += total
        self.recomputed_tokens += total
