"""A source that is written again while its first writer is still open is not judged again."""

import asyncio
from collections import Counter
from random import Random

import pytest
from scripted_proposer import PROGRAM, ScriptedProposer
from speciate.agent import (
    NO_CANDIDATE,
    Budget,
    Proposal,
    RunSettings,
    archive_digest,
    create_run,
    open_archive,
    replay,
    search,
)
from speciate.evaluators import Candidate, Status
from synthetic_problem import RoutingProblem, judge

PROBLEM = RoutingProblem()
WAITED_S = 0.004


class TwiceProposer(ScriptedProposer):
    """Writes every design twice, with a comment the second time; some fail, some tickets give none. In any order."""

    name = "twice"

    def __init__(self, seed):
        super().__init__()
        self.rng = Random(seed)

    async def write(self, task):
        await asyncio.sleep(self.rng.random() * WAITED_S)
        pair, again = divmod(task.ticket, 2)
        if pair % 7 == 3:
            return Proposal(None, note="nothing came to mind")
        text = PROGRAM.format(a=pair, b="nothing" if pair % 5 == 2 else 1)
        return Proposal(Candidate.from_source(text + "# again\n" * again))


def twice(path, evaluations=20):
    archive = open_archive(path, create=True)
    told = {"problem": {"name": PROBLEM.name}, "proposer": "twice", "repairs": 2}
    settings = RunSettings(**told, budget=Budget(evaluations=evaluations))
    return archive, create_run(archive, settings, PROBLEM, [PROBLEM.seed(), PROBLEM.baselines()[0].candidate])


class Judging:
    """Judges in random order, at most ``workers`` at a time; ``asked`` counts what it was given."""

    def __init__(self, workers, judging=judge):
        self.slots, self.rng, self.judging = asyncio.Semaphore(workers), Random(workers), judging
        self.asked = Counter()

    async def __call__(self, candidate, cache, repetition=0):
        self.asked[candidate.id] += 1
        async with self.slots:
            await asyncio.sleep(self.rng.random() * WAITED_S)
            return self.judging(candidate, cache)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_design_written_twice_within_a_window_is_judged_once(tmp_path, workers):
    archive, run_id = twice(tmp_path / "runs.db")
    judging = Judging(workers)
    asyncio.run(search(archive, run_id, PROBLEM, TwiceProposer(workers), judging))
    tickets = archive.tickets(run_id)
    judged = [record.evaluation for record in archive.evaluations(run_id)]
    mended = [archive.candidates_of(run_id, ticket.number)[1:] for ticket in tickets]
    assert set(judging.asked.values()) == {1}
    assert len(judging.asked) == sum(word.status is not Status.DUPLICATE for word in judged)
    for first, second in zip(tickets[2::2], tickets[3::2], strict=False):
        wanted = NO_CANDIDATE if first.outcome == NO_CANDIDATE else "duplicate"
        assert second.outcome == wanted
        assert not mended[second.number], "what is known to fail is not mended again"
    assert any(mended)
    whole, whole_id = twice(tmp_path / "other.db")
    asyncio.run(search(whole, whole_id, PROBLEM, TwiceProposer(99), Judging(3)))
    assert archive_digest(archive, run_id) == archive_digest(whole, whole_id)
    again = asyncio.run(replay(archive, run_id, archive, PROBLEM, Judging(4)))
    assert again.parting is None
    assert again.digest == again.recorded


def test_what_is_in_flight_at_a_stop_is_reused_when_it_is_resumed(tmp_path):
    archive, run_id = twice(tmp_path / "runs.db")

    async def stopped(candidates):
        going = asyncio.create_task(search(archive, run_id, PROBLEM, TwiceProposer(1), Judging(2)))
        while len(archive.evaluations(run_id)) < candidates and not going.done():
            await asyncio.sleep(0.0005)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)

    for candidates in (1, 4, 9, 13):
        asyncio.run(stopped(candidates))
    asyncio.run(search(archive, run_id, PROBLEM, TwiceProposer(2), Judging(1)))
    whole, whole_id = twice(tmp_path / "whole.db")
    asyncio.run(search(whole, whole_id, PROBLEM, TwiceProposer(3), Judging(2)))
    assert archive_digest(archive, run_id) == archive_digest(whole, whole_id)


def test_a_judging_that_our_sandbox_spoiled_is_not_reused(tmp_path):
    archive, run_id = twice(tmp_path / "runs.db", 8)

    def spoils(candidate, cache):
        word = judge(candidate, cache)
        spoiled = {"status": Status.SANDBOX_ERROR, "score": None, "measurements": (), "descriptors": {}}
        first = "again" not in candidate.source and "request.prompt_tokens + 1 " in candidate.source
        return word.model_copy(update=spoiled) if first else word

    asyncio.run(search(archive, run_id, PROBLEM, TwiceProposer(1), Judging(2, spoils)))
    assert [archive.ticket(run_id, number).outcome for number in (2, 3)] == ["sandbox_error", "ok"]
