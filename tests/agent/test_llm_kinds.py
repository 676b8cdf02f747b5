"""The proposer ``llm`` for other kinds than policies: what it asks for, and how the answers are read."""

import asyncio

import pytest
from speciate.agent import Draw, Proposal, Task
from speciate.evaluators import ProgramInterface
from support.bins import LONGEST_FIRST
from support.bins import problem as bins
from support.llm_runs import LLMRun, failed, llm_run
from support.openai_server import OpenAIServer
from support.whole import Whole

from speciate import Status

MAIN = """#include "rate.h"
int main() { return 0; }
// EVOLVE-BLOCK-START
int rate() { return RATE * 2; }
// EVOLVE-BLOCK-END
"""
PROGRAM = Whole("c++", {"main.cpp": MAIN, "rate.h": "// EVOLVE-BLOCK-START\n#define RATE 3\n// EVOLVE-BLOCK-END\n"})
SCRIPT = Whole("shell", {"run.sh": "#!/bin/sh\nLEVEL=6\nexec gzip -$LEVEL\n"})


def asked(run: LLMRun, problem, operator: str = "rewrite") -> Task:
    run.problem = problem
    number = len(run.archive.tickets(run.run_id))
    draw = Draw(operator=operator, parents=(), seed=1, model="m")
    run.archive.issue(run.run_id, number, 0, "llm", draw)
    return Task(run.run_id, number, draw, ())


def written(run: LLMRun, task: Task) -> Proposal:
    async def sitting() -> Proposal:
        async with run.proposer() as proposer:
            return await proposer.write(task)

    return asyncio.run(sitting())


def told(server: OpenAIServer) -> tuple[str, str]:
    system, user = server.bodies[0]["messages"]
    return system["content"], user["content"]


NEW = "// EVOLVE-BLOCK-START\n#define RATE 9\n// EVOLVE-BLOCK-END\n"
REPLIES = {
    "rewrite": f"Idea: faster.\n\nFILE: `rate.h`\n```cpp\n{NEW}```\n",
    "diff": "Idea: faster.\n\n<<<<<<< SEARCH\n#define RATE 3\n=======\n#define RATE 9\n>>>>>>> REPLACE\n",
}


@pytest.mark.parametrize("operator", REPLIES)
def test_a_program_of_several_files_is_shown_and_changed_file_by_file(tmp_path, operator):
    with OpenAIServer(["verbatim"], sources=[REPLIES[operator]]) as server:
        run = llm_run(tmp_path, server.base_url)
        candidate = written(run, asked(run, PROGRAM, operator)).candidate
    assert candidate is not None
    assert candidate.language == "c++"
    assert [file.path for file in candidate.files] == ["main.cpp", "rate.h"]
    assert candidate.files[0].text == MAIN
    assert candidate.files[1].text == PROGRAM.seed().files[1].text.replace("RATE 3", "RATE 9")
    system, user = told(server)
    assert "Each decision must be cheap" not in system
    for words in ("FILE: `main.cpp`", "FILE: `rate.h`", "```cpp", MAIN, "in c++", "EVOLVE-BLOCK-START", "main.cpp"):
        assert words in user
    assert "python" not in user
    assert "$" not in user


def test_what_is_outside_the_blocks_is_refused_with_the_reason_and_asked_for_again(tmp_path):
    outside = "Idea.\n<<<<<<< SEARCH\nint main() { return 0; }\n=======\nint main() { return 1; }\n>>>>>>> REPLACE\n"
    with OpenAIServer(["verbatim"], sources=[outside, REPLIES["diff"]]) as server:
        run = llm_run(tmp_path, server.base_url)
        candidate = written(run, asked(run, PROGRAM, "diff")).candidate
        again = server.bodies[1]["messages"][-1]["content"]
    assert candidate is not None
    assert candidate.files[0].text == MAIN
    assert [row["outcome"] for row in run.rows()] == ["frame_broken", "diff"]
    assert "nothing changed between the lines EVOLVE-BLOCK-START" in again


def test_a_script_is_asked_for_in_its_own_language_and_mended_in_it(tmp_path):
    reply = "Idea.\n```sh\n#!/bin/sh\nLEVEL=9\nexec gzip -$LEVEL\n```\n"
    with OpenAIServer(["verbatim"], sources=[reply]) as server:
        run = llm_run(tmp_path, server.base_url)
        task = asked(run, SCRIPT)
        candidate = written(run, task).candidate
        assert candidate is not None
        assert candidate.source == "#!/bin/sh\nLEVEL=9\nexec gzip -$LEVEL\n"

        async def mended() -> Proposal | None:
            async with run.proposer() as proposer:
                return await proposer.repair(task, 1, candidate, failed(candidate, Status.CRASHED, "exit code 2"))

        asyncio.run(mended())
        [_, repair] = server.bodies[1]["messages"]
    assert "starts with ```sh" in told(server)[1]
    assert "one file in shell, `run.sh`" in told(server)[1]
    assert "starts with ```sh" in repair["content"]
    assert "exit code 2" in repair["content"]


def test_a_plan_is_told_its_function_its_arrays_and_that_it_has_seconds(tmp_path):
    with OpenAIServer(["given"], sources=[LONGEST_FIRST]) as server:
        run = llm_run(tmp_path, server.base_url)
        candidate = written(run, asked(run, bins({}))).candidate
    assert candidate is not None
    assert candidate.source.strip() == LONGEST_FIRST.strip()
    system, user = told(server)
    assert "Import nothing but numpy" in system
    for words in ("`plan(lengths, machines)`", "how long each job runs", "machines-1"):
        assert words in user


def test_a_brief_that_leaves_the_interface_out_gets_it(tmp_path):
    class Short(Whole):
        def brief(self) -> str:
            return "# Be fast."

    problem = Short("python", {"main.py": "print(1)\n"})
    problem.interface = ProgramInterface(about="It prints 1.")
    with OpenAIServer(["given"], sources=["print(2)\n"]) as server:
        run = llm_run(tmp_path, server.base_url)
        candidate = written(run, asked(run, problem)).candidate
    assert candidate is not None
    assert candidate.source == "print(2)\n"
    assert "## Interface" in told(server)[1]
    assert "It prints 1." in told(server)[1]
    assert "a fast wrong answer is worth nothing" in told(server)[0]
