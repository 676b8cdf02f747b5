"""What a run consumed, summed over its rows."""

from speciate.agent import EXPERIMENT, Archive
from speciate.agent._records import UNCOUNTED
from speciate.agent._tables import EvaluationRow
from speciate.agent._usage import ModelUsage, usage_summary
from speciate.evaluators import Frozen
from sqlalchemy import func, select

IN_FLIGHT = "in_flight"
"""Under which ``Archive.counts`` puts tickets that are not committed."""


class Spent(Frozen):
    """Cost of a run. None is unknown, which is not zero."""

    evaluations: int
    """Candidates judged in the search; a duplicate, whose evaluation is reused, is not one."""
    experiments: int = 0
    """Designs tried on one train workload; as many as there are workloads cost the budget one evaluation."""
    cpu_s: float
    """Of all judging: search, experiments, baselines, champion and report."""
    decisions: int
    elapsed_s: float
    """Wall seconds of the search, over all sittings."""
    requests: int
    in_doubt: int
    """Requests never answered: charged at their reservation."""
    tokens: int | None
    """Prompt and completion tokens; None where a reply came without its usage."""
    usd: float | None
    """None where the price or the usage of a request is unknown."""
    models: dict[str, ModelUsage]


def spent(archive: Archive, run_id: str) -> Spent:
    """Return what the run consumed so far."""
    judging = select(func.sum(EvaluationRow.cpu_s), func.sum(EvaluationRow.decisions))
    mine = EvaluationRow.run_id == run_id
    tried = select(func.count()).where(mine, EvaluationRow.purpose == EXPERIMENT)
    with archive.database.read() as connection:
        cpu_s, decisions = connection.execute(judging.where(mine)).one()
        experiments: int = connection.execute(tried).scalar_one()
    counts = archive.counts(run_id)
    usage = usage_summary(archive.database, run_id)
    return Spent(
        evaluations=sum(count for outcome, count in counts.items() if outcome not in (*UNCOUNTED, IN_FLIGHT)),
        experiments=experiments,
        cpu_s=cpu_s or 0.0,
        decisions=decisions or 0,
        elapsed_s=archive.run(run_id).elapsed_s,
        requests=usage.total.requests,
        in_doubt=usage.total.in_doubt,
        tokens=None if usage.total.usage_unknown else usage.total.total_tokens,
        usd=None if usage.total.usd_unknown else usage.total.usd,
        models=usage.models,
    )
