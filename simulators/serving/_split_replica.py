"""Replicas of a cluster that computes prompts in one place and decodes in another.

A prefill replica yields a request's first token and keeps its KV cache until it has been sent on. A decoding replica
takes requests whose prompt is computed: of the prompt and the first token it only has the latter's KV cache to compute,
in an iteration that yields the second token. It computes whole prompts too: of requests that are placed on it, and
after a preemption.
"""

from ._batch import DECODE, OUTLIVED, PREFILL, QUEUED, RESERVED, RUNNING
from ._replica import DECODING, Replica
from ._requests import Requests
from ._trace import ReplicaSpec


class PrefillReplica(Replica):
    """Computes prompts and nothing else."""

    __slots__ = ("computed",)

    def __init__(self, index: int, spec: ReplicaSpec, requests: Requests):
        super().__init__(index, spec, requests)
        self.computed: list[int] = []
        """Requests that have got their first token here and expect more; the cluster takes them out."""
        self._predicted = [0] * len(requests.prompt)
        self._peak_blocks = requests.prompt_blocks

    def shown(self, now: float) -> tuple[float, ...]:
        """Return what a controller sees of it at ``now``: PREFILL, RUNNING, QUEUED, FREE, CONTEXT and ITERATION."""
        row = self.row
        return row[PREFILL], row[RUNNING], row[QUEUED], self._blocks - self._used, self._context, 0.0

    def release(self, request: int) -> None:
        """Give back the memory of a request that has been sent on."""
        requests = self._requests
        blocks = requests.prompt_blocks[request]
        self._used -= blocks
        self._context -= requests.prompt[request]
        self._peak_fixed -= blocks
        self._observed = -1

    def _first_token(self, request: int, cached: int, now: float) -> int:
        requests = self._requests
        self.output_tokens += 1
        requests.first_token_s[request] = now
        del self._running[request]
        self.row[RUNNING] -= 1.0
        if requests.output[request] > 1:
            self.computed.append(request)
            return 0
        requests.finish_s[request] = now
        self.release(request)
        return 1


class DecodeReplica(Replica):
    """Decodes what it receives, and serves requests that are placed on it from prompt to last token."""

    __slots__ = ("computed",)

    def __init__(self, index: int, spec: ReplicaSpec, requests: Requests):
        super().__init__(index, spec, requests)
        self.computed: list[int] = []
        """Empty: what is computed here stays."""

    def shown(self, now: float) -> tuple[float, ...]:
        """Return what a controller sees of it at ``now``: PREFILL, RUNNING, QUEUED, FREE, CONTEXT and ITERATION.

        As ``observe``, without what goes by predictions.
        """
        row, batch = self.row, self._batch
        used, context, iteration_s = self._used, self._context, 0.0
        if self.mode == DECODING:
            done, size = self._ended(now), self._block_size
            phase, cycles = self._steps % size, done // size
            used += (cycles * self._members + sum(self._needs[phase : phase + done - cycles * size])) % OUTLIVED
            context += batch * done
            iteration_s = self._linear + self._quadratic * (2 * done + 1)
        elif batch:
            iteration_s = self._decode_table[batch] + self._context_s * (context + batch)
        return row[PREFILL], row[RUNNING], row[QUEUED], self._blocks - used, context, iteration_s

    def receive(self, request: int) -> bool:
        """Queue a request whose prompt and first token were computed elsewhere. Returns as ``accept``."""
        admissible = self.accept(request)
        requests, row = self._requests, self.row
        prompt = requests.prompt[request]
        requests.generated[request] = 1
        requests.cached[request] = prompt
        requests.pending[request] = prompt + 1
        row[PREFILL] -= prompt - 1
        row[DECODE] -= 1.0
        row[RESERVED] += -(-(prompt + 1) // self._block_size) - requests.prompt_blocks[request]
        self._pending_decode -= 1.0
        return admissible

    def _first_token(self, request: int, cached: int, now: float) -> int:
        self._requests.cached[request] = 0
        return super()._first_token(request, cached, now)
