"""What theory says of speculation where every drafted token is accepted with one probability.

A step drafts ``length`` tokens one after the other, the target checks them in one pass, takes those before the first
that is wrong, and adds a token of its own (Leviathan, Kalman and Matias 2023).
"""

from math import inf


def expected_tokens(acceptance: float, length: int) -> float:
    """Return the tokens that a step yields on average: (1 - a^(k+1)) / (1 - a).

    >>> expected_tokens(0.5, 2)
    1.75

    Raises:
        ValueError: acceptance not in [0, 1], or a negative length.
    """
    _require(acceptance, length)
    return sum(acceptance**depth for depth in range(length + 1))


def expected_tokens_of_comb(acceptance: float, rescued: float, length: int) -> float:
    """Return the same where the break, too, is among the alternatives drafted beside the chain.

    ``rescued`` is the probability (of all tokens) that the first choice is wrong and an alternative right: the
    alternative is accepted, and the step ends there with the target's own token after it.
    """
    _require(acceptance + rescued, length)
    return expected_tokens(acceptance, length) + (
        rescued * expected_tokens(acceptance, length - 1) if length > 0 else 0.0
    )


def expected_tokens_of_chains(acceptance: float, length: int, chains: int) -> float:
    """Return the same for the best of ``chains`` independent ones: 1 + sum over depths j of 1 - (1 - a^j)^chains.

    It grows with the logarithm of ``chains`` until it meets the length (lookahead decoding, Fu et al. 2024).
    """
    _require(acceptance, length)
    return 1.0 + sum(1.0 - (1.0 - acceptance**depth) ** chains for depth in range(1, length + 1))


def speedup(acceptance: float, length: int, draft_cost: float) -> float:
    """Return tokens a time, relative to no speculation, of one sequence on a target that waits for memory.

    ``draft_cost`` is the time of one pass of the drafter, in passes of the target.
    """
    return expected_tokens(acceptance, length) / (draft_cost * length + 1.0)


def best_length(acceptance: float, draft_cost: float, longest: int = 64) -> int:
    """Return the length of highest ``speedup``, the shortest where several are; 0 is no speculation."""
    return max(range(longest + 1), key=lambda length: (speedup(acceptance, length, draft_cost), -length))


def breaks_even(acceptance: float, draft_cost: float) -> bool:
    """Return whether any length is faster than none: exactly where acceptance > draft_cost."""
    return acceptance > draft_cost


def parallel_speedup(acceptance: float, draft_cost: float) -> float:
    """Return the speed-up where targets check while the drafter goes on: 1 / (a c + 1 - a), never below 1 for c <= 1.

    Idealised: as many targets as are wanted, and no time to cancel (distributed speculative inference).
    """
    _require(acceptance, 0)
    time = acceptance * draft_cost + 1.0 - acceptance
    return 1.0 / time if time > 0.0 else inf


def _require(acceptance: float, length: int) -> None:
    if not 0.0 <= acceptance <= 1.0 or length < 0:
        raise ValueError(f"expected acceptance in [0, 1] and length >= 0, got {acceptance=}, {length=}")
