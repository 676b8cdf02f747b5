"""Small seeded traces and replicas."""

import numpy as np
from speciate.simulators.serving import IterationModel, PrefixTrace, ReplicaSpec, Trace


def sharegpt_like(rate: float, requests: int, seed: int, *, noise: float = 0.6) -> Trace:
    """Poisson arrivals, log-normal lengths (prompt median 520, output median 435), predictions off by e^(noise N)."""
    draw = np.random.default_rng(seed)
    arrival = np.cumsum(draw.exponential(1.0 / rate, requests))
    prompt = np.clip(np.rint(draw.lognormal(np.log(520), 1.0, requests)), 4, 8192)
    output = np.clip(np.rint(draw.lognormal(np.log(435), 0.9, requests)), 1, 4096)
    return Trace(arrival, prompt, output, output * np.exp(draw.normal(0.0, noise, requests)))


def tiny_replica(*, blocks: int = 40, block_size: int = 4, max_batch: int = 8, chunk_tokens: int = 24) -> ReplicaSpec:
    """A replica so small that chunking, blocking and preemption all happen within a few requests."""
    tokens = np.arange(257)
    cost = IterationModel(
        token_s=tuple(np.where(tokens > 0, 0.01 + 0.0007 * tokens, 0.0)),
        head_s=tuple(np.where(tokens[:65] > 0, 0.002 + 0.0001 * tokens[:65], 0.0)),
        context_s=3.1e-5,
        decode_fixed_s=4.3e-4,
        pair_s=1.7e-6,
        prefill_fixed_s=2.9e-4,
        mixed_context_s=5.3e-5,
    )
    return ReplicaSpec(cost, blocks, block_size=block_size, max_batch=max_batch, chunk_tokens=chunk_tokens)


def small_trace(seed: int, requests: int = 40, *, rate: float = 6.0, longest: int = 70) -> Trace:
    """Lengths up to ``longest`` tokens each way, predictions far off on both sides."""
    draw = np.random.default_rng(seed)
    arrival = np.cumsum(draw.exponential(1.0 / rate, requests))
    prompt = draw.integers(1, longest, requests)
    output = draw.integers(1, longest, requests)
    return Trace(arrival, prompt, output, output * np.exp(draw.normal(0.0, 1.0, requests)))


def small_prefix_trace(seed: int, requests: int = 40, *, rate: float = 3.0) -> PrefixTrace:
    """Six conversations over two shared beginnings, their prompts growing by a few tokens; blocks of 5 tokens."""
    draw = np.random.default_rng(seed)
    arrival = np.cumsum(draw.exponential(1.0 / rate, requests))
    session = draw.integers(0, 6, requests)
    length = np.array([draw.integers(3, 30) for _ in range(6)])
    prompt = np.empty(requests, dtype=np.int64)
    rows = []
    for request, talk in enumerate(session):
        prompt[request] = length[talk]
        count = int(length[talk]) // 5
        shared = min(count, 3)
        rows.append(
            (
                *range(100 * (talk % 2), 100 * (talk % 2) + shared),
                *range(1000 + 100 * talk + shared, 1000 + 100 * talk + count),
            )
        )
        length[talk] = length[talk] + draw.integers(1, 12) if length[talk] < 60 else draw.integers(3, 30)
    output = draw.integers(1, 60, requests)
    return PrefixTrace(
        Trace(arrival, prompt, output, output * np.exp(draw.normal(0.0, 1.0, requests))), rows, session, 5
    )
