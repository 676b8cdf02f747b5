"""What a run measured, the laws it must keep, and the digest two equal runs share."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._arrays import Floats, Ints
from ._batch import Batch
from ._bounds import isolated_latencies
from ._errors import ConservationError
from ._requests import Requests
from ._trace import ReplicaSpec, Trace

_ROUNDING = 1e-9
"""Relative; sums of iteration times in another order differ by less."""


@dataclass(frozen=True)
class ReplicaTotals:
    """What one replica did over a run."""

    requests: int
    """Placed on it."""
    iterations: int
    prefill_tokens: int
    """Prompt tokens computed, again after preemptions included."""
    recomputed_tokens: int
    """Of those, the ones a preemption made necessary."""
    output_tokens: int
    preemptions: int
    max_used_blocks: int
    emptied: bool
    """Whether it ended with nothing queued, running or held."""


@dataclass(frozen=True)
class Decisions:
    """What was asked of the router."""

    keys: int
    """Calls of ``key``."""
    places: int
    """Calls of ``place``."""
    holds: int
    """Of those, the ones answered HOLD."""
    forced: int
    """Placements made for a router that held the head of an idle cluster."""


class Result:
    """The measurements of one run. Per-request arrays have shape (n,), in order of arrival; times are seconds."""

    def __init__(
        self,
        specs: tuple[ReplicaSpec, ...],
        trace: Trace,
        requests: Requests,
        replicas: Sequence[Batch],
        decisions: Decisions,
    ):
        self.specs = specs
        self.trace = trace
        self.arrival_s: Floats = trace.arrival_s
        self.placed_s: Floats = np.array(requests.placed_s)
        """When the router placed it."""
        self.admitted_s: Floats = np.array(requests.admitted_s)
        """When its replica first admitted it."""
        self.first_token_s: Floats = np.array(requests.first_token_s)
        self.finish_s: Floats = np.array(requests.finish_s)
        self.replica: Ints = np.array(requests.replica, dtype=np.int64)
        self.preemptions: Ints = np.array(requests.preemptions, dtype=np.int64)
        self.reused_tokens: Ints = np.array(requests.reused, dtype=np.int64)
        """Prompt tokens not computed because a prefix cache held them, over all admissions."""
        placed = np.bincount(np.maximum(self.replica, 0), minlength=len(specs))
        self.replicas: tuple[ReplicaTotals, ...] = tuple(
            ReplicaTotals(
                requests=int(count),
                iterations=replica.iterations,
                prefill_tokens=replica.prefill_tokens,
                recomputed_tokens=replica.recomputed_tokens,
                output_tokens=replica.output_tokens,
                preemptions=replica.preemptions,
                max_used_blocks=replica.max_used_blocks,
                emptied=replica.is_empty(),
            )
            for count, replica in zip(placed, replicas, strict=True)
        )
        self.decisions = decisions

    @property
    def latency_s(self) -> Floats:
        """Arrival to last token."""
        return np.asarray(self.finish_s - self.arrival_s)

    @property
    def ttft_s(self) -> Floats:
        """Arrival to first token."""
        return np.asarray(self.first_token_s - self.arrival_s)

    @property
    def tpot_s(self) -> Floats:
        """Mean time of the tokens after the first; 0 for outputs of one token."""
        later = np.maximum(self.trace.output_tokens - 1, 1)
        return np.asarray((self.finish_s - self.first_token_s) / later)

    @property
    def iterations(self) -> int:
        """Of all replicas."""
        return sum(replica.iterations for replica in self.replicas)

    def metrics(self) -> dict[str, float]:
        """Return the summary of the run: seconds, requests or tokens a second, shares and counts.

        ``central_wait_share`` is the part of all waiting before admission that was spent in the central
        queue (0 where nothing waited); ``slowdown`` is latency over the isolated latency on the same replica.
        """
        latency, ttft, tpot = self.latency_s, self.ttft_s, self.tpot_s[self.trace.output_tokens > 1]
        central = self.placed_s - self.arrival_s
        waiting = self.admitted_s - self.arrival_s
        slowdown = latency / self.isolated_s
        span = float(self.finish_s.max() - self.arrival_s[0])
        metrics: dict[str, float] = {}
        for name, values in (("latency", latency), ("ttft", ttft), ("tpot", tpot)):
            p50, p99 = np.percentile(values, (50, 99)) if len(values) else (0.0, 0.0)
            metrics[f"mean_{name}_s"] = float(values.mean()) if len(values) else 0.0
            metrics[f"p50_{name}_s"] = float(p50)
            metrics[f"p99_{name}_s"] = float(p99)
        total_wait = float(waiting.sum())
        metrics.update(
            max_latency_s=float(latency.max()),
            mean_wait_s=float(waiting.mean()),
            max_wait_s=float(waiting.max()),
            central_wait_share=float(central.sum()) / total_wait if total_wait > 0 else 0.0,
            mean_slowdown=float(slowdown.mean()),
            p99_slowdown=float(np.percentile(slowdown, 99)),
            makespan_s=span,
            requests_per_s=len(self.trace) / span,
            output_tokens_per_s=float(self.trace.output_tokens.sum()) / span,
            preemptions=float(self.preemptions.sum()),
            recomputed_tokens=float(sum(replica.recomputed_tokens for replica in self.replicas)),
            iterations=float(self.iterations),
            largest_replica_share=max(replica.requests for replica in self.replicas) / len(self.trace),
            keys=float(self.decisions.keys),
            places=float(self.decisions.places),
            holds=float(self.decisions.holds),
            forced=float(self.decisions.forced),
        )
        return metrics

    def digest(self) -> str:
        """Return 32 hex characters over every measurement. Equal runs have equal digests, in any process."""
        state = hashlib.blake2b(digest_size=16)
        for floats in (self.placed_s, self.admitted_s, self.first_token_s, self.finish_s):
            state.update(floats.astype("<f8").tobytes())
        for ints in (self.replica, self.preemptions):
            state.update(ints.astype("<i8").tobytes())
        if self.reused_tokens.any():
            state.update(self.reused_tokens.astype("<i8").tobytes())
        state.update(repr((self.replicas, self.decisions)).encode())
        return state.hexdigest()

    def check(self) -> None:
        """Raise ConservationError unless requests, tokens, blocks and time add up."""
        self._check_requests()
        self._check_tokens()
        for index, (replica, spec) in enumerate(zip(self.replicas, self.specs, strict=True)):
            if not replica.emptied:
                raise ConservationError(f"replica {index} ended with requests, tokens or blocks not given back")
            if replica.max_used_blocks > spec.blocks:
                raise ConservationError(f"replica {index} used {replica.max_used_blocks} of {spec.blocks} blocks")
        short = self.latency_s < self.isolated_s * (1.0 - _ROUNDING) - _ROUNDING
        if np.any(short):
            request = int(short.argmax())
            raise ConservationError(
                f"request {request} took {self.latency_s[request]} s, less than the {self.isolated_s[request]} s "
                "it takes alone"
            )

    def _check_requests(self) -> None:
        order = (self.arrival_s, self.placed_s, self.admitted_s, self.first_token_s, self.finish_s)
        names = ("arrival", "placement", "admission", "first token", "finish")
        for position in range(4):
            wrong = ~(order[position] <= order[position + 1])
            if np.any(wrong):
                request = int(wrong.argmax())
                raise ConservationError(
                    f"request {request}: {names[position + 1]} at {order[position + 1][request]} s before "
                    f"{names[position]} at {order[position][request]} s, or never"
                )
        if np.any(self.replica < 0) or np.any(self.replica >= len(self.specs)):
            raise ConservationError("a request was never placed")
        if self.preemptions.sum() != sum(replica.preemptions for replica in self.replicas):
            raise ConservationError("the preemptions of requests and of replicas differ")

    def _check_tokens(self) -> None:
        for index, replica in enumerate(self.replicas):
            here = self.replica == index
            output = int(self.trace.output_tokens[here].sum())
            prompt = int((self.trace.prompt_tokens - self.reused_tokens)[here].sum()) + replica.recomputed_tokens
            if (output, prompt) != (replica.output_tokens, replica.prefill_tokens):
                raise ConservationError(
                    f"replica {index} was given {prompt} prompt and {output} output tokens to compute but computed "
                    f"{replica.prefill_tokens} and {replica.output_tokens}"
                )

    @cached_property
    def isolated_s(self) -> Floats:
        """Latency of each request if it had been alone on the replica it ran on, with as much of it cached."""
        bound = np.empty(len(self.trace))
        prompt, output = self.trace.prompt_tokens, self.trace.output_tokens
        cached = np.minimum(self.reused_tokens, prompt - 1)
        for index, spec in enumerate(self.specs):
            here = self.replica == index
            bound[here] = isolated_latencies(spec, prompt[here], output[here], cached[here])
        return bound
