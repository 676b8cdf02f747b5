"""Times no request can beat, and the rate a cluster can sustain."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ._arrays import Floats
from ._trace import ReplicaSpec


def isolated_latencies(
    spec: ReplicaSpec, prompt: npt.ArrayLike, output: npt.ArrayLike, cached: npt.ArrayLike = 0
) -> Floats:
    """Return the seconds each request takes alone on an idle replica, shape (n,).

    A lower bound for any load as long as an iteration's time does not fall with more tokens or sequences,
    and cutting an iteration in two does not save time; both hold for every ``iteration_model``.

    Args:
        spec: the replica.
        prompt: prompt tokens, shape (n,).
        output: output tokens, shape (n,); the first comes with the end of the prompt.
        cached: leading tokens of the prompt that need not be computed, shape (n,) or one number for all.
    """
    p = np.asarray(prompt, dtype=np.int64)
    held = np.asarray(cached, dtype=np.int64)
    new = p - held
    steps = np.asarray(output, dtype=np.float64) - 1.0
    cost, chunk = spec.cost, spec.chunk_tokens
    token_s = np.asarray(cost.token_s)
    whole, rest = new // chunk, new % chunk
    iterations = whole + (rest > 0)
    prefill = whole * token_s[chunk] + np.where(rest > 0, token_s[rest], 0.0)
    pairs = new * (held + 0.5 * new)
    prefill = prefill + iterations * (cost.prefill_fixed_s + cost.head_s[1]) + cost.pair_s * pairs
    context = steps * p + 0.5 * steps * (steps + 1.0)
    return np.asarray(prefill + steps * cost.decode_s(1, 0.0) + cost.context_s * context, dtype=np.float64)


def isolated_latency(spec: ReplicaSpec, prompt: int, output: int) -> float:
    """Return the seconds one request takes alone on an idle replica: a lower bound for any load."""
    return float(isolated_latencies(spec, [prompt], [output])[0])


def cluster_lower_bound(specs: Sequence[ReplicaSpec], prompt: npt.ArrayLike, output: npt.ArrayLike) -> Floats:
    """Return for each request the isolated latency on the replica that is best for it, shape (n,)."""
    return np.asarray(np.min([isolated_latencies(spec, prompt, output) for spec in specs], axis=0))
