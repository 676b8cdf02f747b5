"""What fresh repetitions decided about niches, where the judge is noisy."""

from speciate.agent import Archive


def remeasured_words(archive: Archive, run_id: str) -> tuple[str, ...]:
    """Return how many challengers were measured afresh and what came of it; empty where none was."""
    contests = [entry for entry in archive.insertions(run_id) if entry.repetitions]
    if not contests:
        return ()
    made = len(archive.evaluations(run_id, purpose="remeasure"))
    held = [entry for entry in contests if entry.decided is not None]
    lost = sum(entry.result == "rejected" for entry in held)
    decided = sum(entry.decided is True for entry in held)
    told = (
        f"The judge is noisy: {made} fresh repetitions, beside the budget's evaluations, settled "
        f"{len(contests) - len(held)} empty niches and {len(held)} challenges, {decided} of them by their interval; "
        f"{lost} challengers that had looked better were not"
    )
    return (told,)
