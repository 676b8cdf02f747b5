"""Rows of real runs: what they are called, and what an archived design's say."""

from collections.abc import Sequence

from speciate.agent import Archive, EvaluationRecord
from speciate.evaluators import Evaluation, Measurement

REAL = "real"
"""Label of every such evaluation; its purpose is ``real:SITTING``."""
SIMULATED = "simulated_"
"""Begins the metrics that are the calibrated simulator's on the same workload."""
OBJECTIVE = f"{SIMULATED}objective"


def is_real(record: EvaluationRecord) -> bool:
    """Return whether an evaluation is of a real run: no word of the judge on the problem's own workloads."""
    return record.purpose.startswith(f"{REAL}:")


def purpose_of(sitting: str) -> str:
    """Return the purpose of a sitting's evaluations."""
    return f"{REAL}:{sitting}"


def sittings_of(archive: Archive, run_id: str, candidate_id: str) -> list[str]:
    """Return the sittings in which a design was measured, oldest first."""
    records = archive.evaluations(run_id, candidate_id=candidate_id)
    return list(dict.fromkeys(each.purpose.partition(":")[2] for each in records if is_real(each)))


def words_of(archive: Archive, run_id: str, sitting: str) -> dict[str, list[Evaluation]]:
    """Return the evaluations of a sitting, one a repetition, by the ids of the run's designs."""
    found: dict[str, list[Evaluation]] = {}
    for record in archive.evaluations(run_id, purpose=purpose_of(sitting)):
        found.setdefault(record.evaluation.candidate, []).append(record.evaluation)
    return found


def both(real: Measurement, simulated: Measurement) -> Measurement:
    """Return the real measurement, with the simulator's figures among its metrics."""
    beside = {OBJECTIVE: simulated.objective}
    beside |= {SIMULATED + name: value for name, value in simulated.metrics.items()}
    return real.model_copy(update={"metrics": {**real.metrics, **beside}})


def pairs_of(words: Sequence[Evaluation], metric: str | None = None) -> list[tuple[float, float]]:
    """Return the real and the simulated mean over the workloads, for each repetition.

    Args:
        words: as ``both`` made their measurements.
        metric: its name; None for the objective.
    """
    pairs = []
    for word in words:
        measured = word.measurements
        real = [m.objective if metric is None else m.metrics[metric] for m in measured]
        simulated = [m.metrics[OBJECTIVE if metric is None else SIMULATED + metric] for m in measured]
        pairs.append((sum(real) / len(real), sum(simulated) / len(simulated)))
    return pairs
