"""What dedupe saved a run, and whether the sample that was judged all the same bears it out."""

from math import fsum

from speciate.agent import Archive
from speciate.agent._statements import EVALUATIONS
from speciate.evaluators import Frozen, Status
from speciate.evaluators._ladder import REJUDGED_OTHER, REJUDGED_SAME, TOLD_APART
from sqlalchemy import select

_NOT_REUSED = (Status.RACED_OUT.value, Status.SANDBOX_ERROR.value)


class Dedupe(Frozen):
    """Candidates that had been seen before."""

    candidates: int
    """That came before the judge, repairs included."""
    by_source: int
    """Whose canonical source was known: nothing was run."""
    by_behaviour: int
    """That answered the probe as a known design does: only the probe and one workload were run."""
    rejudged: int
    """That did so too, and were judged in full as a sample."""
    agreed: int
    """Of those, how many had the same status, score and measurements to the bit."""
    differed: int
    """Of those, how many had not; where measurements are noisy nothing is compared, and neither is counted."""

    told_apart: int
    """That answered the probe so too, and measured otherwise on the workload drawn for them: no hits."""
    reused_cpu_s: float
    """What the evaluations that were reused had cost when they were made, each as often as it was reused."""
    telling_cpu_s: float
    """What the candidates that reused them cost all the same: a probe and one workload, nothing by source."""

    @property
    def hits(self) -> int:
        """Candidates that had been seen before."""
        return self.by_source + self.by_behaviour + self.rejudged

    @property
    def hit_rate(self) -> float:
        """Hits as a share of all candidates, 0 to 1."""
        return self.hits / self.candidates if self.candidates else 0.0

    @property
    def saved_cpu_s(self) -> float:
        """Seconds of judging CPU that were not spent, from recorded costs alone."""
        return self.reused_cpu_s - self.telling_cpu_s

    @property
    def words(self) -> str:
        """The figures in a sentence."""
        told = (
            f"{self.hits} of {self.candidates} candidates ({100 * self.hit_rate:.0f} %) had been seen before: "
            f"{self.by_source} by source, {self.by_behaviour + self.rejudged} by behaviour"
        )
        told += f"; of {self.rejudged} re-judged in full {self._verdict}" if self.rejudged else "; none was re-judged"
        if self.by_source + self.by_behaviour:
            told += f"; {self.by_source + self.by_behaviour} evaluations reused, {self._saving}"
        if self.told_apart:
            told += f"; {self.told_apart} more answered the probe alike and were told apart by one workload"
        return told

    @property
    def _saving(self) -> str:
        saved, cost, telling = (f"{s:.2f} s" for s in (self.saved_cpu_s, self.reused_cpu_s, self.telling_cpu_s))
        return f"{saved} of judging CPU saved (they had cost {cost}, to tell took {telling})"

    @property
    def _verdict(self) -> str:
        if self.agreed + self.differed < self.rejudged:
            return "none can be compared to the bit, since measurements are noisy"
        different = f", {self.differed} differed: one workload and the probe are too weak here" if self.differed else ""
        return f"{self.agreed} agreed to the bit{different}"


def dedupe_of(archive: Archive, run_id: str) -> Dedupe:
    """Return what the judge knew already of the run's candidates."""
    names = ("candidate_id", "status", "duplicate_of", "labels", "cpu_s")
    mine = select(*(EVALUATIONS.c[name] for name in names))
    mine = mine.where(EVALUATIONS.c.run_id == run_id, EVALUATIONS.c.purpose == "search")
    with archive.database.read() as connection:
        rows = connection.execute(mine.order_by(EVALUATIONS.c.ticket, EVALUATIONS.c.turn)).all()
    reused = [row for row in rows if row.status == Status.DUPLICATE.value]
    by_source = sum(row.duplicate_of == row.candidate_id for row in reused)
    again = [row for row in rows if row.status != Status.DUPLICATE.value and row.duplicate_of is not None]
    costs: dict[str, float] = {}
    for row in rows:
        if row.duplicate_of != row.candidate_id and row.status not in _NOT_REUSED:
            costs.setdefault(row.candidate_id, row.cpu_s)
    return Dedupe(
        candidates=len(rows),
        by_source=by_source,
        by_behaviour=len(reused) - by_source,
        rejudged=len(again),
        agreed=sum(REJUDGED_SAME in row.labels for row in again),
        differed=sum(REJUDGED_OTHER in row.labels for row in again),
        told_apart=sum(TOLD_APART in row.labels for row in rows if row.status != Status.DUPLICATE.value),
        reused_cpu_s=fsum(costs[row.duplicate_of] for row in reused),
        telling_cpu_s=fsum(row.cpu_s for row in reused),
    )
