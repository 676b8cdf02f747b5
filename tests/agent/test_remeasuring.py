"""Niches under a noisy judge: luck does not last, nothing is measured twice, and the rows decide."""

import asyncio
from collections import Counter
from random import Random

import pytest
from scripted_proposer import ScriptedProposer
from speciate.agent import Budget, Committed, Draw, Improved, RunSettings, create_run, open_archive, search
from speciate.agent._grid import Grid
from speciate.agent._remeasuring import SETTLING, Remeasuring
from speciate.evaluators import Candidate, Cost, Descriptor, Evaluation, ProblemRef, Status
from support.noisy import NOISE_S, NoisyRouting, noisy_judge, truth

PROBLEM = NoisyRouting()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
CAP = 6


def new_run(path, evaluations=32, **settings):
    archive = open_archive(path, create=True)
    budget = Budget(evaluations=evaluations)
    chosen = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=budget, **{"remeasure": CAP} | settings)
    return archive, create_run(archive, chosen, PROBLEM, STARTERS)


async def judging(candidate, cache, repetition=0):
    return noisy_judge(candidate, cache, repetition)


def searched(path, **settings):
    archive, run_id = new_run(path, **settings)
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), judging))
    return archive, run_id


def contents(archive, run_id):
    """All that must not depend on kills or on the number of workers."""
    told = [
        (e.ticket, e.turn, e.purpose, e.repetition, e.evaluation.model_copy(update={"cost": Cost()}).model_dump_json())
        for e in archive.evaluations(run_id)
    ]
    return sorted(told), archive.insertions(run_id), archive.elites(run_id), archive.progress(run_id)[-1].best


class Scene:
    """One niche, designs that are only names, and a judge that says what it is told to."""

    def __init__(self, path, says, cap=CAP):
        self.archive, self.run_id = new_run(path)
        self.says, self.asked = says, []
        self.grid = Grid((Descriptor(name="x", low=0.0, high=1.0, bins=1),))
        self.remeasuring = Remeasuring(self.archive, self.run_id, self.judge, 1.0, cap)
        self.designs = [Candidate.from_source(f"x = {i}\n") for i in range(4)]

    def evaluation(self, design, repetition):
        told = self.says(self.designs.index(design), repetition)
        status = told if isinstance(told, Status) else Status.OK
        score = None if isinstance(told, Status) else told
        return Evaluation(candidate=design.id, split="train", status=status, score=score, descriptors={"x": 0.5})

    async def judge(self, candidate, cache, repetition=0):
        assert cache is None
        self.asked.append((self.designs.index(candidate), repetition))
        return self.evaluation(candidate, repetition)

    def offer(self, number):
        ticket, design = 10 + number, self.designs[number]
        word = self.evaluation(design, 0)
        self.archive.issue(self.run_id, ticket, 0, "test", Draw("none", (), 0))
        self.archive.store_candidate(self.run_id, ticket, 0, design, "")
        self.archive.store_evaluation(self.run_id, word, "search", ticket, 0)
        return asyncio.run(self.remeasuring.insert(self.grid, ticket, word))


def test_a_lucky_outlier_falls_back_to_what_it_is_worth_and_loses_its_niche(tmp_path):
    scene = Scene(tmp_path / "x", lambda design, repetition: [[1.0, 10.0], [4.0, 5.0]][design][repetition > 0])
    first = scene.offer(0)
    assert (first.result, first.score, first.repetitions) == ("new", 10.0, SETTLING)
    second = scene.offer(1)
    assert (second.result, second.score, second.replaced.ticket) == ("improved", 5.0, 10)
    assert (second.decided, second.holder_score) == (True, 10.0)
    assert scene.grid.elites == (scene.grid.holder(0),)


def test_a_lucky_challenger_takes_nothing(tmp_path):
    scene = Scene(tmp_path / "x", lambda design, repetition: [[5.0, 5.0], [1.0, 9.0]][design][repetition > 0])
    scene.offer(0)
    second = scene.offer(1)
    assert (second.result, second.score, second.holder_score) == ("rejected", 9.0, 5.0)
    assert scene.grid.holder(0).ticket == 10


def test_what_did_not_look_better_is_not_measured_again(tmp_path):
    scene = Scene(tmp_path / "x", lambda design, repetition: 5.0 + design)
    scene.offer(0)
    asked = len(scene.asked)
    assert scene.offer(1).repetitions == 0
    assert len(scene.asked) == asked


def test_the_holder_is_measured_at_repetitions_it_was_not_chosen_by(tmp_path):
    rng = Random(3)
    scene = Scene(tmp_path / "x", lambda design, repetition: 10.0 - design - 20 * (repetition == 0) + rng.random())
    for design in range(4):
        scene.offer(design)
    asked = Counter(scene.asked)
    assert max(asked.values()) == 1
    # Each takes the niche from the one before, and defends it at repetitions after those it was chosen by.
    assert scene.grid.holder(0).ticket == 13
    taken = {d: min(r for each, r in scene.asked if each == d) for d in range(4)}
    assert taken[0] == 1
    assert [taken[d + 1] > taken[d] for d in range(3)] == [True] * 3


def test_where_the_interval_does_not_decide_the_cap_ends_it_and_the_better_mean_holds(tmp_path):
    rng = Random(4)
    scene = Scene(tmp_path / "x", lambda design, repetition: -9.0 if repetition == 0 else rng.gauss(0, 1), cap=5)
    scene.offer(0)
    told = scene.offer(1)
    assert (told.repetitions, told.decided) == (5, False)
    sides = [scene.archive.remeasured(scene.run_id, ticket) for ticket in (10, 11)]
    holder, challenger = (sum(side[r].score for r in range(4, 9)) for side in sides)
    assert told.result == ("improved" if challenger < holder else "rejected")
    assert told.holder_score == pytest.approx(sum(e.score for e in sides[0].values()) / 8)


def test_failures_of_a_repetition(tmp_path):
    fails = Scene(tmp_path / "a", lambda design, repetition: Status.CRASHED if repetition == 2 else 5.0)
    assert fails.offer(0).result == "rejected"
    assert fails.grid.elites == ()
    holder = Scene(
        tmp_path / "b", lambda design, repetition: Status.TIMEOUT if (design, repetition) == (0, 5) else 5.0 - design
    )
    holder.offer(0)
    assert holder.offer(1).result == "improved"
    ours = Scene(tmp_path / "c", lambda design, repetition: Status.SANDBOX_ERROR if repetition == 4 else 5.0 - design)
    ours.offer(0)
    told = ours.offer(1)
    assert (told.result, told.repetitions, told.holder_score) == ("rejected", 0, None)
    assert ours.grid.holder(0).ticket == 10


def test_scores_of_elites_are_means_of_fresh_measurements_and_no_longer_flatter(tmp_path):
    optimism = {}
    for cap in (0, CAP):
        archive, run_id = searched(tmp_path / f"cap{cap}", remeasure=cap)
        gaps = []
        for elite in archive.elites(run_id):
            candidate = archive.candidate(run_id, elite.candidate_id).candidate
            gaps.append(elite.score - truth(candidate.source).score)
            fresh = archive.remeasured(run_id, elite.ticket)
            assert bool(fresh) == bool(cap)
            if fresh:
                assert elite.score == pytest.approx(sum(e.score for e in fresh.values()) / len(fresh))
        optimism[cap] = min(gaps)
    assert optimism[0] < -NOISE_S
    assert optimism[CAP] > -NOISE_S


def test_one_worker_and_many_decide_alike(tmp_path):
    outcomes = []
    for name, workers in (("one", 1), ("many", 8)):
        archive, run_id = new_run(tmp_path / name)
        slots, rng = asyncio.Semaphore(workers), Random(workers)

        async def slow(candidate, cache, repetition=0, slots=slots, rng=rng):
            async with slots:
                await asyncio.sleep(rng.random() * 0.003)
                return noisy_judge(candidate, cache, repetition)

        asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), slow))
        outcomes.append(contents(archive, run_id))
    assert outcomes[0] == outcomes[1]


class CutError(Exception):
    pass


@pytest.mark.parametrize("after", [30, 47, 64, 81])
def test_a_run_cut_off_in_a_contest_goes_on_and_measures_nothing_twice(tmp_path, after):
    whole, whole_id = searched(tmp_path / "whole")
    archive, run_id = new_run(tmp_path / "cut")
    calls = 0

    async def until_cut(candidate, cache, repetition=0):
        nonlocal calls
        calls += 1
        if calls > after:
            raise CutError
        return noisy_judge(candidate, cache, repetition)

    with pytest.raises(CutError):
        asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), until_cut))
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), judging))
    assert contents(archive, run_id) == contents(whole, whole_id)
    made = Counter((e.ticket, e.turn, e.purpose, e.repetition) for e in archive.evaluations(run_id))
    assert max(made.values()) == 1


def test_events_tell_the_best_that_holds_a_niche(tmp_path):
    archive, run_id = new_run(tmp_path / "x")
    events = []
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), judging, events.append))
    committed = [event for event in events if isinstance(event, Committed)]
    assert [point.best for point in archive.progress(run_id)] == [event.best for event in committed]
    assert committed[-1].best == archive.elites(run_id)[0].score == archive.best(run_id)[0].score
    assert all(
        event.previous is None or event.score < event.previous for event in events if isinstance(event, Improved)
    )
