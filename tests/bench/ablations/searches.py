"""One search of an ablation and the row that is kept of it."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import authors
import points
import worlds
from arms import Arm
from speciate.agent import (
    Archive,
    Budget,
    Past,
    Proposer,
    RunRecord,
    RunSettings,
    create_run,
    open_archive,
    open_proposer,
    search,
)
from speciate.agent._history import History
from speciate.agent._records import UNCOUNTED
from speciate.evaluators import Candidate, Evaluation, EvaluationCache

Row = dict[str, Any]
EARLIER = 1000
"""What the seed of the run that a family learnt from has more."""


def row_of(arm: Arm, world: str, seed: int) -> Row:
    """Search once, and return the row: best score of 100, and its mean over the budget."""
    began = time.process_time()
    light = world in points.LANDSCAPES
    past, settings = _on_points(arm, world, seed) if light else _on_programs(arm, world, seed)
    trail = trail_of(past, settings.budget, (lambda score: 100 / (1 + score)) if light else (lambda score: -score))
    return {
        "arm": arm.key,
        "world": world,
        "seed": seed,
        "best": round(trail[-1][1], 4),
        "mean": round(mean_of(trail), 4),
        "tickets": len(past),
        "evaluations": sum(each.outcome not in UNCOUNTED for each in past),
        "usd": round(sum(each.spent.usd or 0.0 for each in past), 6),
        "cpu_s": round(time.process_time() - began, 2),
    }


def trail_of(past: Sequence[Past], budget: Budget, scored: Any) -> list[tuple[float, float]]:
    """Return the share of the budget that was used up and the best score then, after each ticket."""
    trail, best, spent = [], 0.0, 0.0
    for each in past:
        if budget.usd is not None:
            spent += (each.spent.usd or 0.0) / budget.usd
        elif budget.tokens is not None:
            spent += each.spent.tokens / budget.tokens
        else:
            assert budget.evaluations is not None
            spent += (each.outcome not in UNCOUNTED) / budget.evaluations
        best = best if each.score is None else max(best, scored(each.score))
        trail.append((min(1.0, spent), best))
    return trail


def mean_of(trail: Sequence[tuple[float, float]]) -> float:
    """Return the mean of the best score over the budget: what a search that may be cut off anywhere is worth.

    >>> mean_of([(0.0, 50.0), (0.5, 60.0), (1.0, 90.0)])
    55.0
    """
    total, spent, best = 0.0, 0.0, 0.0
    for at, score in trail:
        total += (at - spent) * best
        spent, best = at, score
    return total + (1.0 - spent) * best


def _on_points(arm: Arm, world: str, seed: int) -> tuple[list[Past], RunSettings]:
    settings = arm.run_settings(world, seed)
    return points.searched(world, points.AUTHORS[arm.author], settings), settings


def _on_programs(arm: Arm, world: str, seed: int) -> tuple[list[Past], RunSettings]:
    told: dict[str, Any] = {"proposer": arm.author}
    if arm.author in authors.AUTHORS:
        told = {"proposer": "llm", "models": authors.models_of(arm.author)}
    settings = arm.run_settings(world, seed, **told)
    problem = worlds.world(world)
    starters = [problem.seed(), *(each.candidate for each in problem.baselines() if not each.control)]

    async def judging(candidate: Candidate, cache: EvaluationCache | None, repetition: int = 0) -> Evaluation:
        return worlds.judge(world, candidate, cache)

    async def run(run_id: str) -> list[Past]:
        async with _proposer(arm, archive, archive.run(run_id)) as proposer:
            await search(archive, run_id, problem, proposer, judging)
        history = History(archive.database, run_id)
        committed = len(archive.tickets(run_id))
        history.resume(committed, [(committed, None)])
        return list(history.seen)

    with tempfile.TemporaryDirectory(prefix="ablation-") as folder:
        archive = open_archive(Path(folder) / "run.db", create=True)
        if settings.lessons == "family":
            before = {"seed": settings.seed + EARLIER, "lessons": "run"}
            asyncio.run(run(create_run(archive, settings.model_copy(update=before), problem, starters)))
        past = asyncio.run(run(create_run(archive, settings, problem, starters)))
        archive.close()
    return past, settings


@asynccontextmanager
async def _proposer(arm: Arm, archive: Archive, run: RunRecord) -> AsyncIterator[Proposer]:
    problem = worlds.world(run.settings.problem.name)
    if arm.author in authors.AUTHORS:
        async with authors.AuthoredLLM(problem, arm.author, archive, run) as author:
            yield author
    else:
        async with open_proposer(archive, run, problem) as proposer:
            yield proposer
