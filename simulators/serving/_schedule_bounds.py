"""A latency no scheduler of one replica can beat."""

import numpy as np

from ..queueing import Jobs, busy_time_bound
from ._arrays import Floats
from ._bounds import isolated_latencies
from ._fleet import FleetSpec
from ._promises import Promises
from ._trace import ReplicaSpec, Trace


def least_seconds(spec: ReplicaSpec, trace: Trace) -> Floats:
    """Return for each request the seconds of the replica that it takes up whatever it shares them with, shape (n,).

    An iteration of n tokens lasts at least F + c n (a line under ``token_s``), and the rest of its time is a sum over
    tokens. The caches that it reads lie in the replica's blocks, so the shares (own blocks / all blocks) of those
    who decode in it add up to at most 1, and a request takes up at least that share of F beside its own c, pairs and
    context. Sums over any schedule's iterations are then at most its time, whoever is preempted, recomputed or swapped.
    """
    cost = spec.cost
    fixed, token = line_under(np.asarray(cost.token_s[: spec.chunk_tokens + 1]))
    fixed += cost.decode_fixed_s
    prompt, output = trace.prompt_tokens.astype(float), trace.output_tokens.astype(float)
    steps = output - 1.0
    context = steps * prompt + 0.5 * steps * (steps + 1.0)
    # Each step reads at least context / block size blocks; the remainder of the last block is not counted.
    shares = context / (spec.block_size * spec.blocks)
    head = np.min(np.asarray(cost.head_s[1:]) / np.arange(1, len(cost.head_s)))
    computed = token * (prompt + steps) + head * output + cost.pair_s * 0.5 * prompt**2
    return np.asarray(computed + fixed * shares + cost.context_s * context)


def fleet_bound(spec: ReplicaSpec, fleet: FleetSpec, trace: Trace) -> float:
    """Return the least replica-seconds that any scaler of a fleet of ``spec`` pays for, whoever serves what.

    Requests take up ``least_seconds`` wherever they run, and ``least`` replicas are paid for from the first arrival to
    the last.
    """
    span = float(trace.arrival_s[-1] - trace.arrival_s[0])
    return max(float(least_seconds(spec, trace).sum()), fleet.least * span)


def line_under(seconds: Floats) -> tuple[float, float]:
    """Return F and c with F + c n <= seconds[n] for all n >= 1: the line through the last point, as steep as may be."""
    n = np.arange(1, len(seconds))
    last = len(seconds) - 1
    slopes = (seconds[last] - seconds[1:last]) / (last - n[:-1])
    slope = float(slopes.max()) if len(slopes) else 0.0
    return float(np.min(seconds[1:] - slope * n)), slope


def schedule_bound(spec: ReplicaSpec, trace: Trace, promises: Promises) -> float:
    """Return a lower bound on the mean of latency to promised latency under any schedule of one replica.

    The greater of two: every request alone on the replica; and the bound of the mean busy times of one machine whose
    jobs are the seconds that requests take up in any case.
    """
    promised = promises.latency_s(trace)
    weight = 1.0 / promised
    alone = float(np.mean(isolated_latencies(spec, trace.prompt_tokens, trace.output_tokens) * weight))
    size = least_seconds(spec, trace)
    jobs = Jobs(trace.arrival_s, size, size, np.zeros(len(trace), dtype=np.int64), weight)
    return max(alone, busy_time_bound(jobs) * float(weight.mean()))
