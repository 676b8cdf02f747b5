"""A replica that keeps the prefixes of prompts it has computed.

The cache is a store of its own beside the paged memory of running requests (host memory, as in Mooncake's store): what
it holds is brought in layer by layer beside the computation, which takes no time of its own, and a request still holds
blocks for its whole prompt. A prompt is looked up when it is admitted and stored when it is computed. The tokens of an
answer are stored with the next prompt that contains them.
"""

from ._batch import PREFILL
from ._prefixes import PrefixCache, PrefixTrace
from ._replica import Replica
from ._requests import Requests
from ._trace import ReplicaSpec


class PrefixReplica(Replica):
    """A replica with a prefix cache of ``cache_blocks`` blocks."""

    __slots__ = ("_block_tokens", "_cache", "_prefixes")

    def __init__(self, index: int, spec: ReplicaSpec, requests: Requests, trace: PrefixTrace, cache_blocks: int):
        super().__init__(index, spec, requests)
        self._cache = PrefixCache(cache_blocks)
        self._prefixes = trace.blocks
        self._block_tokens = trace.block_tokens

    def cached_tokens(self, request: int) -> int:
        """Return how many tokens of ``request``'s prompt would not be computed if it was admitted now.

        The last token is always computed: the first one of the answer comes of it.
        """
        hit = self._cache.match(self._prefixes[request]) * self._block_tokens
        longest = self._requests.prompt[request] - 1
        return hit if hit < longest else longest

    def accept(self, request: int) -> bool:
        """Queue a placed request. Until it is admitted, what is cached now is taken for what will be."""
        admissible = super().accept(request)
        self._requests.cached[request] = cached = self.cached_tokens(request)
        self.row[PREFILL] -= cached
        return admissible

    def _admit(self, now: float, need: int) -> int:
        request = super()._admit(now, need)
        requests = self._requests
        cached = self.cached_tokens(request)
        self.row[PREFILL] += requests.cached[request] - cached
        requests.cached[request] = cached
        requests.reused[request] += cached
        return request

    def _first_token(self, request: int, cached: int, now: float) -> int:
        self._cache.store(self._prefixes[request])
        return super()._first_token(request, cached, now)

    def _drop_partial(self, request: int) -> None:
        super()._drop_partial(request)
        self._requests.cached[request] = 0

    def _drop_decoding(self, request: int) -> None:
        super()._drop_decoding(request)
        self._requests.cached[request] = 0
