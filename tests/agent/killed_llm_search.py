"""A search with a model in a process of its own, to be killed: ``python killed_llm_search.py ARCHIVE RUN``."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speciate.agent import LLMProposer, open_archive, search
from speciate.evaluators import JudgeTask, ProblemRef
from support.lanes import problem
from support.llm_runs import KEY
from support.trusted import TrustedExecutor

LANES = ProblemRef(name=str(Path(__file__).parent.parent / "support" / "lanes.py"), options={"workloads": "1"})


async def main(path: str, run_id: str) -> None:
    archive, executor = open_archive(path), TrustedExecutor()

    async def judging(candidate, cache, repetition=0):
        return executor.submit(JudgeTask(problem=LANES, candidate=candidate), cache).result()

    run, lanes = archive.run(run_id), problem({})
    keys = {"OPENAI_API_KEY": KEY}
    async with LLMProposer(lanes, run.settings, archive.database, run_id, environ=keys) as proposer:
        await search(archive, run_id, lanes, proposer, judging)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
