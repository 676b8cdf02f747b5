import asyncio
import time
from random import Random

import pytest
from scripted_proposer import ScriptedProposer
from speciate.agent import Budget, RunSettings, create_run, open_archive, search
from speciate.agent._tables import EvaluationRow
from speciate.evaluators import ProblemRef, SpeciateError
from sqlalchemy import func, select
from support.killed_search import started
from support.noisy import NoisyRouting, noisy_judge
from synthetic_problem import RoutingProblem, routing_judge

PROBLEM = RoutingProblem()
EVALUATIONS = 40


def new_run(path, evaluations=EVALUATIONS):
    archive = open_archive(path, create=True)
    settings = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=evaluations), repairs=2)
    starters = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
    return archive, create_run(archive, settings, PROBLEM, starters)


def contents(archive, run_id):
    """All that must not depend on kills: everything but times and CPU."""
    tickets = archive.tickets(run_id)
    return (
        [ticket._replace(issued_at=0.0, committed_at=0.0, agent_cpu_s=0.0) for ticket in tickets],
        [archive.candidates_of(run_id, ticket.number) for ticket in tickets],
        sorted((e.ticket, e.turn, e.repetition, e.evaluation.model_dump_json()) for e in archive.evaluations(run_id)),
        archive.insertions(run_id),
    )


async def noisy_routing_judge(candidate, cache, repetition=0):
    return noisy_judge(candidate, cache, repetition)


def written(archive, run_id):
    with archive.database.read() as connection:
        return connection.scalar(select(func.count()).where(EvaluationRow.run_id == run_id))


@pytest.mark.parametrize(
    ("noisy", "evaluations", "served"), [(False, 40, False), (True, 25, False), (False, 40, True)]
)
def test_kills_at_random_instants_lose_and_repeat_nothing(request, tmp_path, noisy, evaluations, served):
    path = request.getfixturevalue("server").database() if served else tmp_path / "killed.db"
    archive, run_id = new_run(path, evaluations)
    rng, kills = Random(5), 0
    for sitting in range(6):
        process = started(path, run_id, sitting, noisy)
        goal = written(archive, run_id) + rng.randrange(1, 9)
        while process.is_alive() and written(archive, run_id) < goal:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.02)
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
    assert kills >= 4
    assert archive.run(run_id).state == "running"
    process = started(path, run_id, 99, noisy)
    process.join(120)
    assert process.exitcode == 0
    whole, whole_id = new_run(tmp_path / "whole.db", evaluations)
    problem, judging = (NoisyRouting(), noisy_routing_judge) if noisy else (PROBLEM, routing_judge)
    asyncio.run(search(whole, whole_id, problem, ScriptedProposer(), judging))
    assert contents(archive, run_id) == contents(whole, whole_id)
    judged = [(e.ticket, e.turn, e.repetition) for e in archive.evaluations(run_id)]
    assert len(judged) == len(set(judged))
    assert noisy == any(repetition for _, _, repetition in judged)


def test_run_in_another_living_process_is_refused(place):
    archive, run_id = new_run(place)
    process = started(place, run_id, 1)
    try:
        while process.is_alive() and archive.run(run_id).state != "running":
            time.sleep(0.01)
        with pytest.raises(SpeciateError, match="another process"):
            asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    finally:
        process.kill()
        process.join()
