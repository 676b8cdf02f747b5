"""What a word on the command line names: a run or one of its candidates."""

from speciate.agent import Archive, CandidateRecord, RunRecord
from speciate.agent._tables import CandidateRow, Run
from speciate.evaluators import SpeciateError
from sqlalchemy import select

MIN_CHARACTERS = 4


def named(archive: Archive, text: str) -> tuple[RunRecord, CandidateRecord | None]:
    """Return the run that ``text`` names, and the candidate where it names one.

    Args:
        archive: where to look.
        text: id of a run or how it begins; ``RUN/TICKET``; id of a candidate or how it begins.

    Raises:
        SpeciateError: nothing is named so, or several are.
    """
    run_part, slash, number = text.rpartition("/")
    if slash and number.isdigit():
        run = archive.run(run_part)
        return run, of_ticket(archive, run, int(number))
    if any(run.id.startswith(text) for run in archive.runs()):
        return archive.run(text), None
    return _candidate(archive, text)


def of_ticket(archive: Archive, run: RunRecord, number: int) -> CandidateRecord:
    """Return what a ticket produced last. Raises SpeciateError where there is none."""
    archive.ticket(run.id, number)
    records = archive.candidates_of(run.id, number)
    if not records:
        raise SpeciateError(f"ticket {number} of run {run.id} produced no candidate")
    return records[-1]


def best_of(archive: Archive, run: RunRecord) -> CandidateRecord:
    """Return the champion, or the best on train while there is none.

    Raises SpeciateError where no design was judged ok yet.
    """
    if run.champion is not None:
        return archive.candidate(run.id, run.champion)
    best = archive.best(run.id)
    if not best:
        raise SpeciateError(f"run {run.id} has no design yet that was judged ok")
    return archive.candidate(run.id, best[0].candidate_id)


def _candidate(archive: Archive, text: str) -> tuple[RunRecord, CandidateRecord]:
    if len(text) < MIN_CHARACTERS:
        raise SpeciateError(
            f"no run begins with {text!r}; for a candidate give at least {MIN_CHARACTERS} characters of its id"
        )
    query = select(CandidateRow.candidate_id, CandidateRow.run_id).join(Run, Run.id == CandidateRow.run_id)
    begins = CandidateRow.candidate_id.startswith(text, autoescape=True)
    with archive.database.read() as connection:
        rows = connection.execute(query.where(begins).order_by(Run.created_at, Run.id)).all()
    found = {row.candidate_id: row.run_id for row in rows}
    if len(found) != 1:
        listed = ", ".join(sorted(found)[:5])
        told = f"it could be {listed}" if found else "there is none; `speciate list` shows the runs"
        raise SpeciateError(f"expected a run, RUN/TICKET or one candidate id, got {text!r}: {told}")
    ((candidate_id, run_id),) = found.items()
    return archive.run(run_id), archive.candidate(run_id, candidate_id)
