"""A search in a process of its own, to be killed.

Its judge waits a little so that kills land everywhere, and does its work in that process.
"""

import asyncio
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random

from scripted_proposer import ScriptedProposer
from speciate.agent import open_archive, search
from synthetic_problem import RoutingProblem, judge

from support.loaded import CONTEXT
from support.noisy import NoisyRouting, noisy_judge


def started(place: Path | str, run_id: str, seed: int, noisy: bool = False) -> ForkServerProcess:
    """Return a process that searches, beginning or going on with a run; ``seed`` is of the waits."""
    process = CONTEXT.Process(target=_main, args=(place, run_id, seed, noisy))
    process.start()
    return process


def _main(place: Path | str, run_id: str, seed: int, noisy: bool) -> None:
    rng = Random(seed)

    async def judging(candidate, cache, repetition=0):
        await asyncio.sleep(rng.random() * 0.02)
        return noisy_judge(candidate, cache, repetition) if noisy else judge(candidate, cache)

    problem = NoisyRouting() if noisy else RoutingProblem()
    asyncio.run(search(open_archive(place), run_id, problem, ScriptedProposer(), judging))
