"""Why speculation changes no output: what is accepted and what is put right add up to the target's distribution."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def acceptance_of(target: Floats, draft: Floats) -> float:
    """Return the probability that a token drawn from ``draft`` is accepted: sum of min(p, q).

    Both have shape (tokens,), are >= 0 and sum to 1.
    """
    return float(np.minimum(target, draft).sum())


def emitted(target: Floats, draft: Floats) -> Floats:
    """Return the distribution of the token that comes out, shape (tokens,): it is the target's.

    A token x of the draft is accepted with probability min(1, p(x) / q(x)); after a rejection one is drawn from what
    the target has more of, max(p - q, 0), normalised.
    """
    accepted = np.minimum(target, draft)
    missing = np.maximum(target - draft, 0.0)
    total = missing.sum()
    # Where nothing is missing the distributions are one, and nothing is ever rejected.
    out: Floats = accepted + (1.0 - accepted.sum()) * missing / total if total > 0.0 else accepted
    return out
