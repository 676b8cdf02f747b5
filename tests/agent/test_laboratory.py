"""Experiments: paid from the evaluations, remembered, the same in any order, and replayed from the record."""

import asyncio
from collections import Counter
from random import Random

import pytest
from scripted_proposer import PROGRAM, ScriptedProposer
from speciate.agent import (
    EXPERIMENT,
    Budget,
    Draw,
    Laboratory,
    Proposal,
    Reasons,
    RunSettings,
    archive_digest,
    create_run,
    open_archive,
    replay,
    search,
)
from speciate.evaluators import Candidate, ProblemRef, SpeciateError, Status
from synthetic_problem import RoutingProblem, judge

PROBLEM = RoutingProblem()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
WORKLOADS = tuple(workload.name for workload in PROBLEM.workloads("train"))
WANTED = 5


class Tinkerer(ScriptedProposer):
    """Tries a few drafts on a workload each, and hands in the one that did best there. Some crash."""

    def draw(self, view, rng):
        draw = super().draw(view, rng)
        return Draw("tinker", draw.parents, draw.seed, extra={"experiments": WANTED})

    async def write(self, task):
        rng, found = Random(task.draw.seed), []
        if task.laboratory.left == 0:
            return Proposal(Candidate.from_source(PROGRAM.format(a=rng.randint(0, 99), b=1)))
        for _ in range(rng.randint(0, WANTED + 2)):
            draft = Candidate.from_source(PROGRAM.format(a=rng.randint(0, 9), b=rng.choice((0.5, 1, "nothing"))))
            finding = await task.laboratory.run(draft, rng.choice(WORKLOADS))
            if finding is not None and finding.measurement is not None:
                found.append((finding.measurement.objective, draft.id, draft))
        if not found:
            return Proposal(None, note="no draft ran")
        return Proposal(min(found)[2], reasons=Reasons(insight=f"{len(found)} drafts ran"))


def new_run(path, evaluations=20, **settings):
    archive = open_archive(path, create=True)
    told = {"problem": ProblemRef(name=PROBLEM.name), "budget": Budget(evaluations=evaluations), "proposer": "scripted"}
    chosen = RunSettings(**told, **settings)
    return archive, create_run(archive, chosen, PROBLEM, STARTERS)


class Judging:
    """Judges in random order, and counts what it was asked."""

    def __init__(self, workers=2, seed=1):
        self.asked = []
        self._slots, self._rng = asyncio.Semaphore(workers), Random(seed)

    async def __call__(self, candidate, cache, repetition=0, *, only=()):
        self.asked.append((candidate.id, only))
        async with self._slots:
            await asyncio.sleep(self._rng.random() * 0.004)
            return judge(candidate, cache, only=only)


def tinkered(archive, run_id, judging=None):
    return asyncio.run(search(archive, run_id, PROBLEM, Tinkerer(), judging or Judging()))


def made(archive, run_id):
    """Each experiment's place, design and workload's finding, in order."""
    records = archive.evaluations(run_id, purpose=EXPERIMENT)
    told = [(r.ticket, r.turn, r.evaluation.candidate, r.evaluation.labels, r.evaluation.score) for r in records]
    return sorted(told, key=lambda each: each[:2])


@pytest.mark.parametrize("evaluations", [len(STARTERS) + 1, 20])
def test_experiments_are_paid_from_the_evaluations_and_the_budget_holds_at_every_commit(tmp_path, evaluations):
    archive, run_id = new_run(tmp_path / "runs.db", evaluations)
    outcome = tinkered(archive, run_id)
    assert outcome.state == "finished"
    experiments = made(archive, run_id)
    judged = sum(ticket.outcome not in ("no_candidate", "duplicate") for ticket in archive.tickets(run_id))
    whole = len(WORKLOADS)
    left = evaluations * whole - judged * whole - len(experiments)
    assert 0 <= left < whole, "all that a whole evaluation may still cost was used, and not more"
    allowed = {ticket.number: ticket.draw.extra.get("experiments", 0) for ticket in archive.tickets(run_id)}
    assert all(count <= allowed[ticket] <= WANTED for ticket, count in Counter(e[0] for e in experiments).items())
    if evaluations == 20:
        assert judged < evaluations
        assert outcome.reason == f"{judged} evaluations and {len(experiments)} experiments, which are worth " + str(
            -(-len(experiments) // whole)
        )
        assert Status.CRASHED in {r.evaluation.status for r in archive.evaluations(run_id, purpose=EXPERIMENT)}


def test_what_open_tickets_may_still_use_is_held_for_them(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", 12, window=8)
    tinkered(archive, run_id)
    tickets, whole = archive.tickets(run_id), len(WORKLOADS)
    experiments = Counter(each[0] for each in made(archive, run_id))
    for new in tickets:
        done = [t for t in tickets if t.number < new.visible]
        open_ = [t for t in tickets if new.visible <= t.number <= new.number]
        used = sum(whole * (t.outcome not in ("no_candidate", "duplicate")) + experiments[t.number] for t in done)
        held = sum(whole + t.draw.extra.get("experiments", 0) for t in open_)
        assert used + held <= 12 * whole


def test_nothing_that_is_known_is_measured_again(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", 30)
    judging = Judging()
    tinkered(archive, run_id, judging)
    visible = {ticket.number: ticket.visible for ticket in archive.tickets(run_id)}
    first = {}
    for ticket, _, candidate, labels, _ in made(archive, run_id):
        earlier = first.setdefault((candidate, labels), ticket)
        assert earlier == ticket or earlier >= visible[ticket], "only what was in flight could not be known"
        known = [r.ticket for r in archive.evaluations(run_id, purpose="search", candidate_id=candidate)]
        known = [n for n in known if archive.evaluation_of(run_id, n, 0).evaluation.measurements]
        assert not any(number < visible[ticket] for number in known), "the search had measured it"
    assert len([only for _, only in judging.asked if only]) == len(made(archive, run_id))


def test_archived_designs_and_own_experiments_are_read_and_cost_nothing(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", 10)
    tinkered(archive, run_id)
    tickets = archive.tickets(run_id)
    archive.issue(run_id, len(tickets), len(tickets), "scripted", Draw("tinker", (), 1, extra={"experiments": 1}))
    judging = Judging()
    laboratory = Laboratory(archive, run_id, archive.ticket(run_id, len(tickets)), judging, WORKLOADS)
    known = asyncio.run(laboratory.run(STARTERS[1], WORKLOADS[0]))
    assert known == laboratory.known(STARTERS[1], WORKLOADS[0])
    assert known.measurement == archive.evaluation_of(run_id, 1, 0).evaluation.measurements[0]
    assert judging.asked == []
    fresh = Candidate.from_source(PROGRAM.format(a=77, b=1))
    assert laboratory.known(fresh, WORKLOADS[0]) is None
    found = asyncio.run(laboratory.run(fresh, WORKLOADS[0]))
    assert (laboratory.left, found) == (0, asyncio.run(laboratory.run(fresh, WORKLOADS[0])))
    assert asyncio.run(laboratory.run(fresh, WORKLOADS[1])) is None, "none is left"
    assert judging.asked == [(fresh.id, (WORKLOADS[0],))]


def test_cheat_is_known_for_one_and_none_of_its_figures_are(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", 10)
    tinkered(archive, run_id)
    with archive.database.write() as connection:
        connection.exec_driver_sql("UPDATE evaluations SET status = 'cheated', score = NULL WHERE ticket = 1")
    judging = Judging()
    laboratory = Laboratory(archive, run_id, archive.tickets(run_id)[-1], judging, WORKLOADS)
    finding = asyncio.run(laboratory.run(STARTERS[1], WORKLOADS[0]))
    assert (finding.status, finding.measurement) == (Status.CHEATED, None)
    assert judging.asked == []


@pytest.mark.parametrize("name", ["validation/100", "heldout/200", "train/99"])
def test_only_train_workloads_can_be_tried(tmp_path, name):
    archive, run_id = new_run(tmp_path / "runs.db")
    judging = Judging()
    laboratory = Laboratory(archive, run_id, archive.ticket(run_id, 0), judging, WORKLOADS)
    with pytest.raises(SpeciateError, match="expected a train workload"):
        asyncio.run(laboratory.run(STARTERS[0], name))
    assert judging.asked == []


async def cut(archive, run_id, evaluations):
    going = asyncio.create_task(search(archive, run_id, PROBLEM, Tinkerer(), Judging(2, evaluations)))
    while len(archive.evaluations(run_id)) < evaluations and not going.done():
        await asyncio.sleep(0.001)
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)


def test_run_with_experiments_is_the_same_with_any_workers_when_cut_off_and_in_its_replay(tmp_path):
    digests = set()
    for workers in (1, 4):
        archive, run_id = new_run(tmp_path / f"{workers}.db", workers=workers)
        tinkered(archive, run_id, Judging(workers, workers))
        digests.add(archive_digest(archive, run_id))
    whole = made(archive, run_id)
    archive, run_id = new_run(tmp_path / "cut.db")
    for evaluations in range(4, 44, 5):
        asyncio.run(cut(archive, run_id, evaluations))
    tinkered(archive, run_id)
    digests.add(archive_digest(archive, run_id))
    assert made(archive, run_id) == whole
    target = open_archive(tmp_path / "replay.db", create=True)
    replayed = asyncio.run(replay(archive, run_id, target, PROBLEM))
    assert replayed.parting is None
    assert digests == {replayed.digest}
    assert made(target, replayed.run_id) == whole
