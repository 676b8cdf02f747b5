"""The claim of a run: what its champion is better than, how surely, and what that does not say."""

from collections.abc import Mapping
from typing import Any

from speciate.evaluators import Frozen, Problem
from speciate.evaluators._statistics import EXACT_PAIRS, claim_over

from ._heldout import Gain
from ._numbers import interval, percent


class Evidence(Frozen):
    """What the champion is measured against, all at once."""

    claimed: bool
    """Whether its gain over every rival is certain: the intervals of all of them lie above zero."""
    rivals: int
    """Tuned baselines that were measured on held-out."""
    weakest: str | None
    """The rival over whom the gain is least sure."""
    p_value: float
    """Of the claim: the largest over the rivals."""
    note: str
    """How many comparisons were made, and what was done about it."""


def evidence_over(gains: Mapping[str, Gain]) -> Evidence:
    """Return the evidence of a champion with these gains over its rivals, by their names."""
    claim = claim_over(gains)
    return Evidence(
        claimed=claim.holds,
        rivals=claim.rivals,
        weakest=claim.weakest,
        p_value=claim.p_value,
        note=_note(gains, claim.p_value),
    )


def _note(gains: Mapping[str, Gain], p_value: float) -> str:
    if not gains:
        return "No rival was measured on held-out."
    count = len(gains)
    pairs = min(len(gain.pairs) for gain in gains.values())
    unit = next(iter(gains.values())).unit
    told = (
        f"A claim needs the gain over each of the {count} tuned baselines measured there to be certain"
        if count > 1
        else "A claim needs the gain over the tuned baseline measured there to be certain"
    )
    exact = (
        "by Student's t and by the exact sign-flip interval"
        if pairs >= EXACT_PAIRS
        else f"by Student's t (the exact interval needs {EXACT_PAIRS} {unit}s)"
    )
    several = (
        " (an intersection-union test: since all must hold, none needs correcting)"
        if count > 1
        else ""
    )
    return f"{told}, {exact}{several}; the claim's p-value is {p_value:.2g}, the largest of them."


def claim_words(problem: Problem[Any], champion: str, best: tuple[str, str, Gain], evidence: Evidence) -> str:
    """Return the claim, or why there is none.

    Args:
        problem: the problem.
        champion: the champion's mean objective on held-out, with its unit.
        best: name, mean objective and the champion's gain over the best tuned baseline.
        evidence: over all rivals.
    """
    name, objective, gain = best
    if evidence.claimed:
        claim = "A better design was found."
    elif gain.high < 0:
        claim = "No discovery: the champion is worse than the best tuned baseline."
    elif gain.better:
        claim = f"No discovery is claimed: the gain over {evidence.weakest} is not certain."
    elif gain.low > 0:
        claim = "No discovery is claimed: the exact interval includes zero."
    else:
        claim = "No discovery is claimed: the interval includes zero."
    pairs = f"{len(gain.pairs)} {gain.unit}s"
    told = (
        f"{claim} On {len(problem.workloads('heldout'))} held-out workloads ({pairs}) the champion's "
        f"{problem.objective.name} averages {champion}, that of the best tuned baseline, {name}, {objective}: a paired "
        f"gain of {percent(gain.gain)}, 95 % interval {interval(gain.low, gain.high)}, "
        f"better on {gain.wins} of {pairs}."
    )
    if evidence.claimed and evidence.rivals > 1:
        rivals = f"each of the {evidence.rivals} tuned baselines measured there"
        told += f" It is better than {rivals} (p = {evidence.p_value:.2g})."
    return told
