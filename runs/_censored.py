"""Measurements cut off by a deadline: shown with what is known of them, never as a score."""

from collections import Counter

from speciate.agent import Archive
from speciate.evaluators import Evaluation, Status


def status_words(evaluation: Evaluation) -> str:
    """Return an evaluation's status; for a timeout also the limit beyond which nothing is known.

    >>> # timeout, censored at 30 s (wall_s)
    """
    cut = evaluation.censored
    if cut is None:
        return evaluation.status.value
    return f"{evaluation.status.value}, censored at {cut.after_s:g} s ({cut.limit})"


def censored_words(archive: Archive, run_id: str) -> tuple[str, ...]:
    """Return how many measurements of a run were cut off, and at which limits; empty where none was."""
    late = archive.evaluations(run_id, status=Status.TIMEOUT)
    limits = Counter(
        f"{cut.after_s:g} s ({cut.limit})" for cut in (record.evaluation.censored for record in late) if cut is not None
    )
    if not limits:
        return ()
    told = ", ".join(f"{count} at {limit}" for limit, count in sorted(limits.items()))
    return (f"Censored by a deadline, without a score: {told}",)
