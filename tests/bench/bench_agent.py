"""The agent's own cost: CPU, disk and memory of everything but judging.

``python tests/bench/bench_agent.py`` prints one JSON line and fails where a limit is passed:

- CPU milliseconds a candidate in runs of 200 and 2,000, and how much it grows between the two;
- the median CPU milliseconds of one insertion with the next draw, both with their transactions;
- megabytes on disk of 1,000 candidates of 7.5 kB.

``--large`` does the same at 100,000 candidates in the archive, and adds the seconds until a run of that length has
resumed and the peak memory. The archive is written first, as rows (about a minute); ``--at PATH``
keeps it there, and a second time goes on with it.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speciate.agent import (
    Archive,
    Budget,
    Draw,
    GeneticProposer,
    Grid,
    Proposal,
    RunSettings,
    Task,
    create_run,
    open_archive,
    search,
)
from speciate.agent._archive import Closing
from speciate.agent._loop import Search
from speciate.evaluators import Candidate, Descriptor, Evaluation, EvaluationCache, Measurement, ProblemRef, Status
from synthetic_archive import extend
from synthetic_problem import FINISH_TIME, RoutingProblem

LIMIT_MS, PAIR_MS, FLAT, DISK_MB, MEMORY_MB, RESUME_S = 10.0, 2.0, 1.2, 20.0, 300.0, 10.0
LARGE = 100_000
TIMES = 3
"""Measurements taken in turn, of which the least counts: a busy machine lengthens CPU seconds, and never cuts them."""
AFTER = 200
"""Candidates that a sitting at the large archive adds."""


class Roomy(RoutingProblem):
    """The synthetic problem with 400 niches."""

    descriptors = tuple(Descriptor(name=name, low=0.0, high=1.0, bins=20) for name in ("fast_share", "held_share"))


PROBLEM = Roomy()


async def trivial_judge(candidate: Candidate, cache: EvaluationCache | None, repetition: int = 0) -> Evaluation:
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


class Long(GeneticProposer):
    """Writes candidates of 7.5 kB that have nothing in common with each other but their form."""

    async def write(self, task: Task) -> Proposal:
        """Return a program with a long table of random numbers."""
        rng = Random(task.ticket)
        table = ", ".join(f"{rng.random():.6f}" for _ in range(1000))[: 7500 - len(FINISH_TIME) - 40]
        return Proposal(Candidate.from_source(f"{FINISH_TIME}\n\nTABLE = ({table[: table.rindex(',')]})\n"))


def new_run(archive: Archive, evaluations: int) -> str:
    """Write a run of so many evaluations."""
    settings = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=evaluations))
    starters = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
    return create_run(archive, settings, PROBLEM, starters)


def milliseconds(evaluations: int) -> float:
    """Return the loop thread's CPU milliseconds a ticket, imports (the first tickets) left out."""
    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(Path(folder) / "bench.db", create=True)
        run_id = new_run(archive, evaluations)
        asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), trivial_judge))
        spent = [ticket.agent_cpu_s for ticket in archive.tickets(run_id)][10:]
        archive.close()
    return 1000 * sum(spent) / len(spent)


def pair_milliseconds(archive: Archive, run_id: str, pairs: int = 300) -> float:
    """Return the median CPU milliseconds of closing a ticket with an insertion and drawing and issuing the next.

    The tickets are the run's next ones.
    """
    run = Search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), trivial_judge, lambda event: None)
    run._load()
    grid, rng, first = run._grid, Random(3), run._issued
    assert isinstance(grid, Grid)
    spent = []
    archive.issue(run_id, first, first, "genetic", Draw("tune", (), 0))
    for number in range(first, first + pairs):
        started = time.thread_time()
        where = {"fast_share": rng.random(), "held_share": rng.random()}
        entry = grid.insert(number, rng.random() * 3, where)
        archive.commit(run_id, number, Closing("ok", "", entry, 0.0, 0.0))
        draw = run.proposer.draw(grid.view(number), Random(number))
        archive.issue(run_id, number + 1, number, "genetic", draw)
        spent.append(time.thread_time() - started)
    return 1000 * median(spent)


def small_pair() -> float:
    """Return ``pair_milliseconds`` of an archive of 200."""
    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(Path(folder) / "bench.db", create=True)
        run_id = new_run(archive, 1000)
        extend(archive, run_id, 200)
        found = pair_milliseconds(archive, run_id)
        archive.close()
    return found


def megabytes() -> float:
    """Return what 1,000 candidates of 7.5 kB take on disk, with everything that is kept of them."""
    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(Path(folder) / "bench.db", create=True)
        run_id = new_run(archive, 1000)
        asyncio.run(search(archive, run_id, PROBLEM, Long(PROBLEM), trivial_judge))
        archive.close()
        return sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6


def large(path: Path) -> dict[str, float]:
    """Return the figures at 100,000 candidates in the archive at ``path``, which is written where it is missing."""
    archive = open_archive(path, create=True)
    run_id = archive.runs()[0].id if archive.runs() else new_run(archive, LARGE)
    extend(archive, run_id, LARGE)
    before = sum(archive.counts(run_id).values())
    settings = archive.run(run_id).settings
    more = Budget(evaluations=before + AFTER)
    archive.set_settings(run_id, settings.model_copy(update={"budget": more}))
    began: list[float] = []
    started = time.perf_counter()
    asyncio.run(
        search(
            archive,
            run_id,
            PROBLEM,
            GeneticProposer(PROBLEM),
            trivial_judge,
            lambda event: began.append(time.perf_counter()),
        )
    )
    spent = [ticket.agent_cpu_s for ticket in archive.tickets(run_id)[before + 10 :]]
    pair = _scratch_pair(archive, run_id)
    archive.close()
    return {
        "resume_s_large": round(began[0] - started, 2),
        "agent_ms_per_candidate_large": round(1000 * sum(spent) / len(spent), 2),
        "pair_ms_large": round(pair, 2),
    }


def _scratch_pair(archive: Archive, run_id: str) -> float:
    """Measure the pair, and take its tickets back: they have no candidates."""
    first = sum(archive.counts(run_id).values())
    try:
        return pair_milliseconds(archive, run_id)
    finally:
        with archive.database.write() as connection:
            for table, column in (("insertions", "ticket"), ("tickets", "number")):
                connection.exec_driver_sql(f"DELETE FROM {table} WHERE run_id = '{run_id}' AND {column} >= {first}")


def peak_megabytes() -> float:
    """Return the most memory that this process held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="The agent's own cost.")
    parser.add_argument("--large", action="store_true", help="also at 100,000 candidates; takes minutes")
    parser.add_argument("--at", type=Path, default=None, help="keep the large archive here")
    arguments = parser.parse_args()
    small, result = [milliseconds(200)], {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(TIMES):
            small.append(milliseconds(200))
            if arguments.large:
                found = large(arguments.at or Path(folder) / "large.db")
                result = {name: min(value, result.get(name, value)) for name, value in found.items()}
    if arguments.large:
        result["peak_mb_large"] = round(peak_megabytes(), 1)
    result |= {
        "agent_ms_per_candidate_200": round(min(small), 2),
        "agent_ms_per_candidate_2000": round(milliseconds(2000), 2),
        "pair_ms_200": round(small_pair(), 2),
        "disk_mb_1000_of_7500": round(megabytes(), 2),
    }
    grown = "large" if arguments.large else "2000"
    result["growth"] = round(result[f"agent_ms_per_candidate_{grown}"] / result["agent_ms_per_candidate_200"], 2)
    result["pair_growth"] = round(result.get("pair_ms_large", result["pair_ms_200"]) / result["pair_ms_200"], 2)
    failed = [name for name, limit in limits(arguments.large).items() if result[name] > limit]
    print(json.dumps({**result, "failed": failed}))
    return 1 if failed else 0


def limits(at_large: bool) -> dict[str, float]:
    """Return the limit of each figure. The 2,000 evolve larger programs than the first 200: they may cost more."""
    asked = {
        "agent_ms_per_candidate_200": LIMIT_MS,
        "agent_ms_per_candidate_2000": LIMIT_MS * 1.5,
        "pair_ms_200": PAIR_MS,
        "disk_mb_1000_of_7500": DISK_MB,
    }
    if at_large:
        asked |= {
            "agent_ms_per_candidate_large": LIMIT_MS,
            "pair_ms_large": PAIR_MS,
            "resume_s_large": RESUME_S,
            "peak_mb_large": MEMORY_MB,
            "growth": FLAT,
            "pair_growth": FLAT,
        }
    return asked


if __name__ == "__main__":
    sys.exit(main())
