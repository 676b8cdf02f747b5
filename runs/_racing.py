"""What racing saved a run, and how often it would have been wrong, by the sample that was judged in full."""

from speciate.agent import Archive, RunRecord
from speciate.evaluators import Frozen, Status
from speciate.evaluators._racing import AUDITED_SHARE, WOULD_LOSE


class Racing(Frozen):
    """The race of a run that asked for one."""

    raced_out: int
    """Candidates given up part way."""
    skipped: int
    """Train workloads that they were not measured on."""
    audited: int
    """Candidates that would have been given up too, and were judged in full as a sample."""
    wrong: int
    """Of those, how many entered the archive."""
    highest_error: float | None
    """Upper end of the exact 95 % interval (Clopper and Pearson, one-sided) of the share that is wrongly given up;
    None without a sample."""

    @property
    def words(self) -> str:
        """The figures in a sentence."""
        told = f"Racing gave up {self.raced_out} candidates and saved {self.skipped} measurements"
        if self.highest_error is None:
            return f"{told}; none was audited, so its error is not known"
        seen, highest = f"{self.wrong / self.audited:.0%}", f"{self.highest_error:.0%}"
        share = f"wrong in {seen} of cases, at most {highest} with 95 % confidence"
        return (
            f"{told}; of {self.audited} more that were judged in full as a sample (one in {AUDITED_SHARE}), "
            f"{self.wrong} entered the archive: it is {share}"
        )


def racing_of(archive: Archive, run: RunRecord, workloads: int) -> Racing | None:
    """Return what the race came to; None for a run without one. ``workloads`` is the size of the train split."""
    if not run.settings.racing:
        return None
    found = archive.evaluations(run.id, purpose="search")
    given_up = [each.evaluation for each in found if each.evaluation.status is Status.RACED_OUT]
    sample = [each for each in found if any(label.startswith(WOULD_LOSE) for label in each.evaluation.labels)]
    entered = {entry.ticket for entry in archive.insertions(run.id) if entry.result != "rejected"}
    wrong = sum(each.ticket in entered for each in sample)
    return Racing(
        raced_out=len(given_up),
        skipped=sum(workloads - len(each.measurements) for each in given_up),
        audited=len(sample),
        wrong=wrong,
        highest_error=_upper_end(wrong, len(sample)) if sample else None,
    )


def _upper_end(wrong: int, sample: int) -> float:
    from scipy.special import betaincinv

    return 1.0 if wrong == sample else float(betaincinv(wrong + 1, sample - wrong, 0.95))
