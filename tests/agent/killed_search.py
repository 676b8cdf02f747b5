"""A search in a process of its own, to be killed: ``python killed_search.py ARCHIVE RUN SEED``.

The judge waits a little so that kills land everywhere, and does its work in this process.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripted_proposer import ScriptedProposer
from speciate.agent import open_archive, search
from synthetic_problem import RoutingProblem, judge


async def main(path: str, run_id: str, seed: str) -> None:
    rng = Random(int(seed))

    async def judging(candidate, cache):
        await asyncio.sleep(rng.random() * 0.02)
        return judge(candidate, cache)

    await search(open_archive(path), run_id, RoutingProblem(), ScriptedProposer(), judging)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
