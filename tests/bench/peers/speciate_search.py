"""One search with Speciate: the proposer ``llm`` and the default settings without lessons, in the default sandbox.

    python speciate_search.py BASE_URL SEED EVALUATIONS FOLDER LANDSCAPE

Writes FOLDER/judged.jsonl: one line a judging, in the order of their ends: [ticket, turn, status, score].
"""

import asyncio
import json
import sys
from contextlib import closing
from pathlib import Path

from speciate.agent import (
    Budget,
    Event,
    Judged,
    LLMProposer,
    ModelSettings,
    RunSettings,
    create_run,
    open_archive,
    search,
)
from speciate.evaluators import Candidate, Evaluation, EvaluationCache, JudgeTask, LocalExecutor, ProblemRef, problem_of


async def run(base_url: str, seed: int, evaluations: int, folder: Path, landscape: str) -> None:
    """Search."""
    ref = ProblemRef(name=str(Path(__file__).with_name("search_problem.py")), options={"landscape": landscape})
    problem = problem_of(ref)
    settings = RunSettings(
        problem=ref,
        seed=seed,
        proposer="llm",
        models=(ModelSettings(name="author", base_url=base_url, api_key_env="PEERS_KEY"),),
        # The seed is judged too, and is no proposal.
        budget=Budget(evaluations=evaluations + 1),
        # The author reads a program and nothing else: to be asked what it learnt is a prompt without one.
        lessons="off",
    )
    archive = open_archive(folder / "run.db", create=True)
    run_id = create_run(archive, settings, problem, [problem.seed()])
    log = (folder / "judged.jsonl").open("a", encoding="utf-8")

    def told(event: Event) -> None:
        if isinstance(event, Judged):
            print(json.dumps([event.ticket, event.turn, event.status, event.score]), file=log, flush=True)

    with closing(LocalExecutor(1)) as executor, log:

        async def judge(candidate: Candidate, cache: EvaluationCache | None, repetition: int = 0) -> Evaluation:
            task = JudgeTask(problem=ref, candidate=candidate, repetition=repetition)
            return await asyncio.wrap_future(executor.submit(task, cache))

        proposer = LLMProposer(problem, settings, archive.database, run_id, environ={"PEERS_KEY": "none"})
        async with proposer:
            await search(archive, run_id, problem, proposer, judge, told)
    archive.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5]))
