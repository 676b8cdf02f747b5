"""What behavioural dedupe saved a run, and whether the sample that was judged all the same bears it out."""

from speciate.agent import Archive
from speciate.agent._tables import EvaluationRow
from speciate.evaluators import Frozen, Status
from speciate.evaluators._ladder import REJUDGED_OTHER, REJUDGED_SAME, TOLD_APART
from sqlalchemy import select


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

    @property
    def hits(self) -> int:
        """Candidates that had been seen before."""
        return self.by_source + self.by_behaviour + self.rejudged

    @property
    def hit_rate(self) -> float:
        """Hits as a share of all candidates, 0 to 1."""
        return self.hits / self.candidates if self.candidates else 0.0

    @property
    def words(self) -> str:
        """The figures in a sentence."""
        told = (
            f"{self.hits} of {self.candidates} candidates ({100 * self.hit_rate:.0f} %) had been seen before: "
            f"{self.by_source} by source, {self.by_behaviour + self.rejudged} by behaviour"
        )
        told += f"; of {self.rejudged} re-judged in full {self._verdict}" if self.rejudged else "; none was re-judged"
        if self.told_apart:
            told += f"; {self.told_apart} more answered the probe alike and were told apart by one workload"
        return told

    @property
    def _verdict(self) -> str:
        if self.agreed + self.differed < self.rejudged:
            return "none can be compared to the bit, since measurements are noisy"
        different = f", {self.differed} differed: one workload and the probe are too weak here" if self.differed else ""
        return f"{self.agreed} agreed to the bit{different}"


def dedupe_of(archive: Archive, run_id: str) -> Dedupe:
    """Return what the judge knew already of the run's candidates."""
    columns = (EvaluationRow.candidate_id, EvaluationRow.status, EvaluationRow.duplicate_of, EvaluationRow.labels)
    mine = select(*columns).where(EvaluationRow.run_id == run_id, EvaluationRow.purpose == "search")
    with archive.database.read() as connection:
        rows = connection.execute(mine).all()
    reused = [row for row in rows if row.status == Status.DUPLICATE.value]
    by_source = sum(row.duplicate_of == row.candidate_id for row in reused)
    again = [row for row in rows if row.status != Status.DUPLICATE.value and row.duplicate_of is not None]
    return Dedupe(
        candidates=len(rows),
        by_source=by_source,
        by_behaviour=len(reused) - by_source,
        rejudged=len(again),
        agreed=sum(REJUDGED_SAME in row.labels for row in again),
        differed=sum(REJUDGED_OTHER in row.labels for row in again),
        told_apart=sum(TOLD_APART in row.labels for row in rows if row.status != Status.DUPLICATE.value),
    )
