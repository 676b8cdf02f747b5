"""A search in a process of its own, to be killed: ``python killed_search.py ARCHIVE RUN SEED [noisy]``.

The judge waits a little so that kills land everywhere, and does its work in this process.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripted_proposer import ScriptedProposer
from speciate.agent import open_archive, search
from support.noisy import NoisyRouting, noisy_judge
from synthetic_problem import RoutingProblem, judge


async def main(path: str, run_id: str, seed: str, noisy: str = "") -> None:
    rng = Random(int(seed))

    async def judging(candidate, cache, repetition=0):
        await asyncio.sleep(rng.random() * 0.02)
        return noisy_judge(candidate, cache, repetition) if noisy else judge(candidate, cache)

    problem = NoisyRouting() if noisy else RoutingProblem()
    await search(open_archive(path), run_id, problem, ScriptedProposer(), judging)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
