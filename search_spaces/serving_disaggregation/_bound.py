"""How many requests are late whatever a design decides: what is proven of a workload without any candidate."""

from collections.abc import Sequence
from math import fsum, inf

import numpy as np
from numpy.typing import NDArray
from speciate.simulators.serving import ReplicaSpec, Trace, isolated_latencies

ROUNDING_S = 1e-6
"""A request that is late by less is not counted: times are sums in another order here."""


def late_at_least(trace: Trace, specs: Sequence[ReplicaSpec], slo_s: tuple[float, float]) -> float:
    """Return the share of requests that are late whatever the roles and the routing; no design has fewer.

    Who is late even alone is late. Of the others, those in time have their prompts computed within the first objective
    of their arrival, by a cluster that computes only so much in any span of time: the fewest to be given up for that.

    Args:
        trace: the requests.
        specs: the replicas.
        slo_s: objectives for the first token and for each later one (s).
    """
    alone = late_alone(trace, specs, slo_s)
    work_s = prompt_work_s(specs, trace.prompt_tokens[~alone])
    crowded = fewest_late(trace.arrival_s[~alone].tolist(), work_s.tolist(), slo_s[0])
    return (int(alone.sum()) + crowded) / len(trace)


def late_alone(trace: Trace, specs: Sequence[ReplicaSpec], slo_s: tuple[float, float]) -> NDArray[np.bool_]:
    """Return which requests are late even alone, on the best replica for each objective, the cache sent in no time.

    The second token is left out of the time of the later ones: where a cache was sent, its iteration is accounted as a
    prompt of one token.
    """
    prompt, output = trace.prompt_tokens, trace.output_tokens
    first, later = [], []
    for spec in specs:
        first.append(isolated_latencies(spec, prompt, np.ones_like(output)))
        second = spec.cost.decode_s(1, 0.0) + spec.cost.context_s * (prompt + 1.0)
        later.append(isolated_latencies(spec, prompt, output) - first[-1] - second)
    tpot = np.min(later, axis=0) / np.maximum(output - 1, 1)
    return np.asarray((np.min(first, axis=0) > slo_s[0]) | (tpot > slo_s[1]))


def prompt_work_s(specs: Sequence[ReplicaSpec], prompt: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the time for which each prompt takes up the whole cluster, at least (s), shape (n,).

    An iteration with n tokens takes a replica at least n times the least time of a token in any of its iterations, and
    the attention of its chunks; so a prompt of P tokens takes t = P least + pair P^2 / 2 of one replica, which no other
    prompt has. Divided by ``least`` that is a number of tokens, of which all replicas together compute the sum of
    1 / least in a second, and it is no less on the replica where the smallest share of it is attention.
    """
    least = [_least_token_s(spec) for spec in specs]
    pair = min(spec.cost.pair_s / token_s for spec, token_s in zip(specs, least, strict=True))
    tokens = prompt + 0.5 * pair * np.square(prompt, dtype=np.float64)
    return np.asarray(tokens / fsum(1.0 / token_s for token_s in least))


def _least_token_s(spec: ReplicaSpec) -> float:
    cost, tokens = spec.cost, np.arange(1, spec.chunk_tokens + 1)
    iteration_s = np.asarray(cost.token_s)[tokens] + cost.head_s[1] + cost.prefill_fixed_s
    return float((iteration_s / tokens).min())


def fewest_late(arrival_s: Sequence[float], work_s: Sequence[float], slack_s: float) -> int:
    """Return the fewest jobs of one machine that are not done ``slack_s`` after their arrival, in ascending order.

    Jobs are due in the order in which they arrive, so who is kept is done in that order, and the fewest are given up by
    this rule: whenever one would be late, give up the one without which the others are done first (Kise, Ibaraki and
    Mine, Operations Research 26, 1978).
    """
    begin_s = [0.0] * len(arrival_s)
    busy: list[int] = []
    end_s, late = -inf, 0
    for job, arrived_s in enumerate(arrival_s):
        if arrived_s >= end_s:
            busy.clear()
        begin_s[job] = max(arrived_s, end_s)
        end_s = begin_s[job] + work_s[job]
        busy.append(job)
        if end_s > arrived_s + slack_s + ROUNDING_S:
            late += 1
            place = _dearest(busy, arrival_s, work_s, begin_s)
            end_s = begin_s[busy.pop(place)]
            for other in busy[place:]:
                begin_s[other] = max(arrival_s[other], end_s)
                end_s = begin_s[other] + work_s[other]
    return late


def _dearest(busy: Sequence[int], arrival_s: Sequence[float], work_s: Sequence[float], begin_s: Sequence[float]) -> int:
    """Return the place of the job without which those after it could be done earliest."""
    spare_s, best, saved_s = inf, len(busy) - 1, -inf
    for place in range(len(busy) - 1, -1, -1):
        job = busy[place]
        if min(work_s[job], spare_s) > saved_s:
            best, saved_s = place, min(work_s[job], spare_s)
        spare_s = min(spare_s, begin_s[job] - arrival_s[job])
    return best
