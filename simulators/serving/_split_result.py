"""What a run of a split cluster measured, the laws it must keep, and its digest."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ._arrays import Floats, Ints
from ._batch import Batch
from ._bounds import isolated_latencies
from ._errors import ConservationError
from ._requests import Requests
from ._trace import ReplicaSpec, Trace

_ROUNDING = 1e-9
"""Relative; sums of iteration times in another order differ by less."""


class Transfers(NamedTuple):
    """The KV caches that were sent: one entry a request, -1 where it stayed where its prompt was computed."""

    source: list[int]
    target: list[int]
    begun_s: list[float]
    ended_s: list[float]


class SplitResult:
    """The measurements of one run. Arrays have shape (n,), in order of arrival; times are seconds."""

    def __init__(
        self,
        specs: tuple[ReplicaSpec, ...],
        trace: Trace,
        requests: Requests,
        replicas: Sequence[Batch],
        transfers: Transfers,
    ):
        self.specs = specs
        self.trace = trace
        self.prefill_at: Ints = np.array(requests.replica, dtype=np.int64)
        """Replica that computed the prompt."""
        target = np.array(transfers.target, dtype=np.int64)
        self.moved: npt.NDArray[np.bool_] = target >= 0
        self.decode_at: Ints = np.where(self.moved, target, self.prefill_at)
        """Replica that decoded; where the prompt was computed, for what stayed or was one token long."""
        self.admitted_s: Floats = np.array(requests.admitted_s)
        """When its prompt was begun."""
        self.first_token_s: Floats = np.array(requests.first_token_s)
        self.begun_s: Floats = np.array(transfers.begun_s)
        """When its KV cache began to be sent; -1 for what stayed."""
        self.ended_s: Floats = np.array(transfers.ended_s)
        self.finish_s: Floats = np.array(requests.finish_s)
        self.preemptions: Ints = np.array(requests.preemptions, dtype=np.int64)
        self._replicas = replicas

    @property
    def ttft_s(self) -> Floats:
        """Arrival to first token."""
        return np.asarray(self.first_token_s - self.trace.arrival_s)

    @property
    def tpot_s(self) -> Floats:
        """Mean time of the tokens after the first, the way to the decoding replica included; 0 for one token."""
        later = np.maximum(self.trace.output_tokens - 1, 1)
        return np.asarray((self.finish_s - self.first_token_s) / later)

    @property
    def latency_s(self) -> Floats:
        """Arrival to last token."""
        return np.asarray(self.finish_s - self.trace.arrival_s)

    def attained(self, ttft_slo_s: float, tpot_slo_s: float) -> npt.NDArray[np.bool_]:
        """Return which requests kept both objectives: seconds to the first token, and for each token after it."""
        return np.asarray((self.ttft_s <= ttft_slo_s) & (self.tpot_s <= tpot_slo_s))

    def digest(self) -> str:
        """Return 32 hex characters over every measurement. Equal runs have equal digests, in any process."""
        state = hashlib.blake2b(digest_size=16)
        for floats in (self.admitted_s, self.first_token_s, self.begun_s, self.ended_s, self.finish_s):
            state.update(floats.astype("<f8").tobytes())
        for ints in (self.prefill_at, self.decode_at, self.preemptions):
            state.update(ints.astype("<i8").tobytes())
        return state.hexdigest()

    def check(self) -> None:
        """Raise ConservationError unless requests, tokens, blocks and time add up."""
        if np.any(self.finish_s < 0) or np.any(self.first_token_s < self.admitted_s):
            raise ConservationError("a request never finished, or had its first token before its prompt was begun")
        if np.any(self.begun_s[self.moved] < self.first_token_s[self.moved]):
            raise ConservationError("a KV cache was sent before its prompt was computed")
        for index, replica in enumerate(self._replicas):
            self._check_replica(index, replica)
        self._check_times()

    def _check_replica(self, index: int, replica: Batch) -> None:
        """Raise ConservationError unless a replica computed what it was given. What it received is one token each."""
        if not replica.is_empty() or replica.max_used_blocks > self.specs[index].blocks:
            raise ConservationError(f"replica {index} ended with something not given back, or used too many blocks")
        trace, moved = self.trace, self.moved
        placed, received = self.prefill_at == index, moved & (self.decode_at == index)
        prompt = int(trace.prompt_tokens[placed].sum()) + int(received.sum()) + replica.recomputed_tokens
        output = int(trace.output_tokens[placed & ~moved].sum()) + int((placed & moved).sum())
        output += int((trace.output_tokens[received] - 1).sum())
        if (prompt, output) != (replica.prefill_tokens, replica.output_tokens):
            raise ConservationError(
                f"replica {index} was given {prompt} prompt and {output} output tokens to compute but computed "
                f"{replica.prefill_tokens} and {replica.output_tokens}"
            )

    def _check_times(self) -> None:
        """Raise ConservationError where a request was faster than alone on the replicas that served it."""
        prompt, output = self.trace.prompt_tokens, self.trace.output_tokens
        for index, spec in enumerate(self.specs):
            here = self.prefill_at == index
            first = isolated_latencies(spec, prompt[here], np.ones(int(here.sum())))
            if np.any(self.ttft_s[here] < first * (1.0 - _ROUNDING) - _ROUNDING):
                raise ConservationError(f"replica {index} computed a prompt faster than it can")
            here = self.decode_at == index
            whole = isolated_latencies(spec, prompt[here], output[here])
            later = whole - isolated_latencies(spec, prompt[here], np.ones(int(here.sum())))
            later -= np.where(self.moved[here], spec.cost.decode_s(1, 0.0) + spec.cost.context_s * prompt[here], 0.0)
            if np.any((self.finish_s - self.first_token_s)[here] < later * (1.0 - _ROUNDING) - _ROUNDING):
                raise ConservationError(f"replica {index} decoded faster than it can")
