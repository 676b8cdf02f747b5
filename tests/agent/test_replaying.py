import asyncio
import time
from pathlib import Path
from random import Random

import pytest
from scripted_proposer import ScriptedProposer
from speciate.agent import (
    Budget,
    GeneticProposer,
    RunSettings,
    archive_digest,
    create_run,
    open_archive,
    replay,
    search,
)
from speciate.agent._digest import parting_of, ticket_facts
from speciate.evaluators import JudgeTask, ProblemRef, SpeciateError, Status
from support.killed_search import started
from support.llm_runs import llm_run
from support.noisy import NoisyRouting, noisy_judge
from support.openai_server import OpenAIServer
from support.trusted import TrustedExecutor
from synthetic_problem import RoutingProblem, judge, routing_judge

PROBLEM = RoutingProblem()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
LANES = ProblemRef(name=str(Path(__file__).parent.parent / "support" / "lanes.py"))


def new_run(path, evaluations=30, problem=PROBLEM, **settings):
    archive = open_archive(path, create=True)
    chosen = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=evaluations), **settings)
    return archive, create_run(archive, chosen, problem, STARTERS)


def delayed(workers, seed, judging=judge):
    """A judge that finishes in random order, at most ``workers`` at a time."""
    slots, rng = asyncio.Semaphore(workers), Random(seed)

    async def judge_later(candidate, cache, *repetition):
        async with slots:
            await asyncio.sleep(rng.random() * 0.004)
            evaluation = judging(candidate, cache, *repetition)
            await asyncio.sleep(rng.random() * 0.004)
            return evaluation

    return judge_later


def again(archive, run_id, folder, problem=PROBLEM, judging=None):
    target = open_archive(folder / "replay.db", create=True)
    return asyncio.run(replay(archive, run_id, target, problem, judging))


def test_digest_is_the_same_with_any_number_of_workers_and_in_the_replay(tmp_path):
    digests = set()
    for workers in (1, 2, 4):
        archive, run_id = new_run(tmp_path / f"{workers}.db", workers=workers)
        asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), delayed(workers, workers)))
        digests.add(archive_digest(archive, run_id))
    replayed = again(archive, run_id, tmp_path)
    assert replayed.parting is None
    assert replayed.tickets == len(archive.tickets(run_id))
    assert digests == {replayed.digest} == {replayed.recorded}
    judged = asyncio.run(replay(archive, run_id, archive, PROBLEM, delayed(4, 9)))
    assert judged.parting is None
    assert archive_digest(archive, judged.run_id) in digests


def test_run_on_islands_replays(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", islands={"count": 3, "migrate": 8})
    asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), delayed(3, 5)))
    assert again(archive, run_id, tmp_path).parting is None


def test_another_seed_has_another_digest_and_the_first_ticket_that_differs_is_named(tmp_path):
    runs = []
    for seed in (1, 2):
        archive, run_id = new_run(tmp_path / f"{seed}.db", seed=seed)
        asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), routing_judge))
        runs.append((archive, run_id))
    assert archive_digest(*runs[0]) != archive_digest(*runs[1])
    parting = parting_of(ticket_facts(*runs[0]), ticket_facts(*runs[1]))
    assert parting.ticket == len(STARTERS)
    assert parting.why.startswith("draw: recorded ")


def test_judge_that_has_changed_parts_where_it_first_says_something_else(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db")
    asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), routing_judge))
    wanted = archive.candidates_of(run_id, 9)[0].candidate.id

    async def kinder(candidate, cache, repetition=0):
        word = judge(candidate, cache)
        return word.model_copy(update={"score": word.score - 1}) if candidate.id == wanted else word

    parting = again(archive, run_id, tmp_path, judging=kinder).parting
    assert parting.ticket == 9
    assert "score is" in parting.why


@pytest.mark.parametrize("changed", ["draw", "source"])
def test_record_that_was_tampered_with_parts_at_that_ticket(tmp_path, changed):
    archive, run_id = new_run(tmp_path / "runs.db")
    asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), routing_judge))
    with archive.database.write() as connection:
        if changed == "draw":
            connection.exec_driver_sql("UPDATE tickets SET operator = 'other' WHERE number = 12")
        else:
            connection.exec_driver_sql(
                "UPDATE candidates SET source_hash = (SELECT source_hash FROM candidates WHERE ticket = 0)"
                " WHERE ticket = 12"
            )
    parting = again(archive, run_id, tmp_path).parting
    assert parting.ticket == 12


def test_deadline_is_replayed_from_the_record_when_all_else_is_judged_again(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db")
    unlucky = STARTERS[2].id

    async def loaded(candidate, cache, repetition=0):
        word = judge(candidate, cache)
        late = {"status": Status.TIMEOUT, "score": None, "measurements": (), "descriptors": {}}
        return word.model_copy(update=late) if candidate.id == unlucky else word

    asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), loaded))
    assert archive.ticket(run_id, 2).outcome == "timeout"
    assert again(archive, run_id, tmp_path, judging=routing_judge).parting is None


def test_noisy_run_is_replayed_from_its_measurements(tmp_path):
    problem = NoisyRouting()
    archive, run_id = new_run(tmp_path / "runs.db", 25, problem)
    asyncio.run(search(archive, run_id, problem, GeneticProposer(PROBLEM), delayed(2, 1, noisy_judge)))
    assert any(entry.repetitions for entry in archive.insertions(run_id))

    async def nobody(candidate, cache, repetition=0):
        raise AssertionError("a noisy problem is never judged again")

    assert again(archive, run_id, tmp_path, problem, nobody).parting is None


def test_killed_and_resumed_run_and_an_unfinished_one_replay(tmp_path):
    path = tmp_path / "killed.db"
    archive, run_id = new_run(path, 40, proposer="scripted", repairs=2)
    process = started(path, run_id, 1)
    while process.is_alive() and len(archive.evaluations(run_id)) < 15:
        time.sleep(0.002)
    process.kill()
    process.join()
    partly = again(archive, run_id, tmp_path)
    assert partly.parting is None
    assert 0 < partly.tickets < 40
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    whole, whole_id = new_run(tmp_path / "whole.db", 40, proposer="scripted", repairs=2)
    asyncio.run(search(whole, whole_id, PROBLEM, ScriptedProposer(), delayed(4, 3)))
    digest = archive_digest(whole, whole_id)
    target = open_archive(tmp_path / "again.db", create=True)
    assert asyncio.run(replay(archive, run_id, target, PROBLEM)).digest == digest


def lanes_judge(run, workers, seed):
    executor, rng = TrustedExecutor(), Random(seed)
    slots = asyncio.Semaphore(workers)

    async def judging(candidate, cache, repetition=0):
        async with slots:
            await asyncio.sleep(rng.random() * 0.004)
            return executor.submit(JudgeTask(problem=LANES, candidate=candidate), cache).result()

    return judging


async def sitting(run, judging, evaluations=None):
    """Search with a new proposer; cut it off after so many evaluations, where a number is given."""
    async with run.proposer() as proposer:
        going = asyncio.create_task(search(run.archive, run.run_id, run.problem, proposer, judging))
        if evaluations is None:
            return await going
        while len(run.archive.evaluations(run.run_id)) < evaluations and not going.done():
            await asyncio.sleep(0.001)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        return None


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_run_with_models_replays_from_its_replies_also_after_it_was_cut_off(tmp_path, workers, monkeypatch):
    behaviours = ("diff", "rewrite", "fenced", "prose", "stale_diff", "truncated", "no_choices", "http_429", "http_500")
    names = Random(workers).choices(behaviours, weights=(6, 6, 2, 1, 1, 1, 1, 1, 1), k=200)
    with OpenAIServer(names, seed=workers, retry_after_s=0.0, delay_s=0.01) as server:
        paced = {"requests_per_minute": 7, "tokens_per_minute": 40_000, "concurrency": workers}
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=20), repairs=1, **paced)
        asyncio.run(sitting(run, lanes_judge(run, workers, 1), 8))
        asyncio.run(sitting(run, lanes_judge(run, workers, 2)))
        asked = server.requests
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        target = open_archive(tmp_path / "replay.db", create=True)
        replayed = asyncio.run(replay(run.archive, run.run_id, target, run.problem))
        judged = asyncio.run(replay(run.archive, run.run_id, target, run.problem, lanes_judge(run, workers, 3)))
        assert server.requests == asked
    assert run.archive.run(run.run_id).state == "finished"
    assert replayed.parting is None
    assert judged.parting is None
    assert replayed.digest == judged.digest == archive_digest(run.archive, run.run_id)
    assert replayed.tickets >= 20
    assert run.slept


def test_run_with_models_has_one_digest_with_any_number_of_workers_and_in_its_replay(tmp_path):
    behaviours, digests, requests = ("diff", "rewrite", "fenced", "stale_diff", "prose", "truncated"), set(), set()
    for workers in (1, 2, 4):
        with OpenAIServer(behaviours, seed=3, keyed=True) as server:
            waits = Random(workers)
            server.on_request = lambda waits=waits: time.sleep(waits.random() * 0.01)
            folder = tmp_path / str(workers)
            folder.mkdir()
            run = llm_run(folder, server.base_url, budget=Budget(evaluations=16), repairs=1)
            asyncio.run(sitting(run, lanes_judge(run, workers, workers)))
            requests.add(server.requests)
        digests.add(archive_digest(run.archive, run.run_id))
    assert run.archive.run(run.run_id).state == "finished"
    assert len(digests) == len(requests) == 1
    replayed = again(run.archive, run.run_id, tmp_path, run.problem)
    assert replayed.parting is None
    assert {replayed.digest} == digests


def test_nothing_to_replay_is_a_users_mistake(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db")
    with pytest.raises(SpeciateError, match="nothing to replay"):
        again(archive, run_id, tmp_path)
