"""The agent's own cost: CPU milliseconds a candidate, everything but judging, in runs of 200 and 2,000.

``python tests/bench/bench_agent.py`` prints one JSON line and fails above 20 ms a candidate, or where a
candidate of the long run costs much more than one of the short run.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speciate.agent import Budget, GeneticProposer, RunSettings, create_run, open_archive, search
from speciate.evaluators import Candidate, Evaluation, EvaluationCache, Measurement, ProblemRef, Status
from synthetic_problem import RoutingProblem

PROBLEM = RoutingProblem()
LIMIT_MS = 20.0


async def trivial_judge(candidate: Candidate, cache: EvaluationCache | None) -> Evaluation:
    """Score a candidate by its hash; ask the cache as the real judge does."""
    assert cache is not None
    known = cache.by_source(candidate.id)
    if known is not None or cache.by_decisions(candidate.id) is not None:
        score = known.score if known else None
        return Evaluation(candidate=candidate.id, split="train", status=Status.DUPLICATE, score=score)
    share = int(candidate.id[:8], 16) / 2**32
    descriptors = {"fast_share": share * 97 % 1, "held_share": share * 89 % 1}
    measurements = tuple(Measurement(workload=str(i), objective=1.0, descriptors=descriptors) for i in range(6))
    return Evaluation(
        candidate=candidate.id,
        split="train",
        status=Status.OK,
        score=1.0 + share,
        descriptors=descriptors,
        measurements=measurements,
        decision_hash=candidate.id,
    )


def milliseconds(evaluations: int) -> float:
    """Return the loop thread's CPU milliseconds a ticket, imports (the first tickets) left out."""
    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(Path(folder) / "bench.db", create=True)
        settings = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=evaluations))
        starters = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
        run_id = create_run(archive, settings, PROBLEM, starters)
        asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), trivial_judge))
        spent = [ticket.agent_cpu_s for ticket in archive.tickets(run_id)][10:]
        archive.close()
    return 1000 * sum(spent) / len(spent)


def main() -> int:
    """Measure, print, and return the exit code."""
    short, long = milliseconds(200), milliseconds(2000)
    result = {"agent_ms_per_candidate_200": round(short, 2), "agent_ms_per_candidate_2000": round(long, 2)}
    print(json.dumps({**result, "growth": round(long / short, 2), "limit_ms": LIMIT_MS}))
    return 0 if max(short, long) <= LIMIT_MS and long / short < 1.5 else 1


if __name__ == "__main__":
    sys.exit(main())
