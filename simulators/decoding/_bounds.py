"""What no choice of drafts can do better, even one that knows beforehand which tokens will be accepted."""

from collections.abc import Sequence

import numpy as np

from ._engine import Engine
from ._steps import LONGEST, WIDEST, breaks
from ._text import Floats, Ints, Text, Wave, require_waves

LOADS = 16
"""Tangents that are tried; each gives a bound, and the highest is taken."""


def least_time(waves: Sequence[Wave], engine: Engine) -> float:
    """Return a time (passes) below which no policy decodes the waves.

    A pass over n tokens takes at least what a tangent of the convex ``pass_time`` says, A + s n, and one of the drafter
    over m of B sequences at least m / B of what it takes over all B. With A shared by the at most B sequences of a
    step, each sequence's cost is its own, and the least is found with all ranks known, by dynamic programming. Nor does
    a wave take less than its slowest sequence alone.

    Raises ValueError where the waves cannot be.
    """
    require_waves(waves)
    return sum(_least_of(wave, engine) for wave in waves)


def _least_of(wave: Wave, engine: Engine) -> float:
    sequences = min(wave.slots, len(wave.texts))
    length, width = np.arange(LONGEST + 1.0)[:, None], np.arange(WIDEST + 1.0)
    tokens = 1.0 + length * width
    loads = sequences * np.geomspace(1.0, 1.0 + LONGEST, LOADS)
    slope = np.array([engine.slope(load) for load in loads])[:, None, None]
    start = np.array([engine.pass_time(load) for load in loads])[:, None, None] - slope * loads[:, None, None]
    drafting = length * (engine.draft_cost * engine.pass_time(sequences) / sequences)
    together = _known(wave.texts, start / sequences + slope * tokens + drafting)
    alone = np.vectorize(engine.pass_time)(tokens) + length * (engine.draft_cost * engine.pass_time(1))
    return float(max(together.sum(axis=1).max(), _known(wave.texts, alone[None]).max()))


def _known(texts: Sequence[Text], cost: Floats) -> Floats:
    """Return the least cost of each sequence with its ranks known, shape (tangents, n).

    From each token the drafts worth thinking of are the chains up to the break, and the one with just so many
    alternatives that the right one at the break is among them.

    Args:
        texts: the n sequences.
        cost: of one turn, shape (tangents, length, width).
    """
    n, longest = len(texts), max(map(len, texts))
    run, rank = _by_left(texts, longest)
    least = np.zeros((longest + 1, len(cost), n))
    each = np.arange(n)
    for left in range(1, longest + 1):
        found = cost[:, 0, 1][:, None] + least[left - 1]
        for length in range(1, LONGEST + 1):
            turn = cost[:, length, 1][:, None] + least[max(left - length - 1, 0)]
            found = np.where(length <= run[left], np.minimum(found, turn), found)
        level = run[left] + 1
        saved = np.flatnonzero((level <= LONGEST) & (rank[left] < WIDEST) & (rank[left] > 0))
        if len(saved):
            after = np.maximum(left - level[saved] - 1, 0)
            turn = cost[:, level[saved], rank[left, saved] + 1] + least[after, :, saved].T
            found[:, saved] = np.minimum(found[:, saved], turn)
        least[left] = found
    result: Floats = least[[len(text) for text in texts], :, each].T
    return result


def _by_left(texts: Sequence[Text], longest: int) -> tuple[Ints, Ints]:
    """Return, by tokens that are left and sequence, the tokens before the next break and the rank at it.

    Shapes (longest + 1, n); the rank is 0 where there is no break.
    """
    run, rank = np.zeros((2, longest + 1, len(texts)), dtype=np.int64)
    for index, text in enumerate(texts):
        n = len(text)
        stop = breaks(text)[:n]
        run[n - np.arange(n), index] = stop - np.arange(n)
        rank[n - np.arange(n), index] = np.append(text.rank, 0)[stop]
    return run, rank
