"""Choice by what arms earned: rewards and costs of tickets, sparse and late evidence, and runs that still replay."""

import asyncio
from collections import Counter
from random import Random

import pytest
from speciate.agent import (
    Budget,
    GeneticProposer,
    Past,
    RunSettings,
    Spent,
    archive_digest,
    create_run,
    open_archive,
    replay,
    search,
)
from speciate.agent._bandit import FLOOR, HALF_LIFE, Chooser, chosen, cost_of, reward_of
from speciate.evaluators import Cost, ProblemRef, SpeciateError
from synthetic_problem import RoutingProblem, judge

PROBLEM = RoutingProblem()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]
FREE = Spent(0.0, 0, 0.0)
EVEN = {"a": 1.0, "b": 1.0, "c": 1.0}


def past(**told):
    plain = {"ticket": 9, "operator": "a", "model": None, "variant": "", "island": None, "parents": (3,)}
    came = {"outcome": "ok", "score": 5.0, "result": "rejected", "before": 4.0, "best": 1.0, "spent": FREE}
    return Past(**{**plain, **came, **told})


def shares(weights, outcomes, draws=3000):
    counts = Counter(chosen(weights, outcomes, Random(seed)) for seed in range(draws))
    return {arm: counts[arm] / draws for arm in weights}


def earning(rates, tickets, cost=None, seed=0):
    """Outcomes of tickets whose arms are drawn evenly; an arm earns 1 with its rate."""
    rng, arms = Random(seed), list(rates)
    drawn = [rng.choice(arms) for _ in range(tickets)]
    return [(arm, float(rng.random() < rates[arm]), (cost or {}).get(arm, 1.0)) for arm in drawn]


@pytest.mark.parametrize(
    ("told", "reward"),
    [
        ({"score": None, "result": None, "outcome": "crashed"}, 0.0),
        ({"score": None, "result": None, "outcome": "duplicate"}, 0.0),
        ({}, 0.0),
        ({"result": "new"}, 0.1),
        ({"result": "improved"}, 0.1),
        ({"score": 3.5}, 0.5),
        ({"score": 3.5, "result": "new"}, 0.5),
        ({"score": 0.5, "result": "improved"}, 1.0),
        ({"score": 0.5, "result": "new", "before": None}, 1.0),
        ({"score": 0.5, "result": "rejected", "before": None}, 0.0),
        ({"score": 9.0, "result": "new", "before": None, "best": None}, 0.1),
    ],
)
def test_a_ticket_earns_the_highest_of_its_ranks(told, reward):
    assert reward_of(past(**told)) == reward


def test_a_ticket_costs_its_share_of_what_the_budget_limits():
    dear = past(spent=Spent(0.5, 2000, 7.0))
    assert cost_of(dear, Budget(minutes=5)) == 1.0
    assert cost_of(dear, Budget(evaluations=200)) == 1 / 200
    assert cost_of(dear, Budget(usd=5)) == pytest.approx(0.1)
    assert cost_of(dear, Budget(evaluations=200, tokens=10_000, usd=5)) == pytest.approx(0.005 + 0.2 + 0.1)
    assert cost_of(past(outcome="duplicate"), Budget(evaluations=200)) == 0.0
    # Seconds are measured and never the same twice: a draw that heeded them would not be drawn again.
    assert cost_of(past(spent=Spent(0.0, 0, 99.0)), Budget(evaluations=200)) == 1 / 200


def test_without_evidence_arms_are_drawn_by_their_weights_and_little_evidence_changes_little():
    weights = {"a": 6.0, "b": 3.0, "c": 1.0}
    assert shares(weights, []) == pytest.approx({"a": 0.6, "b": 0.3, "c": 0.1}, abs=0.03)
    few = shares(weights, [("c", 1.0, 1.0), ("a", 0.0, 1.0)])
    assert few["a"] > few["b"] > few["c"]
    assert few["c"] < 0.2


def test_the_arm_that_earns_is_drawn_most_and_none_dies():
    found = shares(EVEN, earning({"a": 0.02, "b": 0.3, "c": 0.02}, 400))
    assert found["b"] > 0.8
    assert min(found.values()) >= 0.8 * FLOOR / 3


def test_rewards_as_sparse_as_one_in_thirty_still_tell_arms_apart():
    outcomes = earning({"a": 0.0, "b": 0.03, "c": 0.0}, 600, seed=3)
    assert 0 < sum(reward for _, reward, _ in outcomes) < 12
    assert shares(EVEN, outcomes)["b"] > 0.6


def test_where_nothing_was_earned_no_arm_is_preferred():
    even = [(arm, 0.0, 1.0) for arm in "abc" * 40]
    assert shares(EVEN, even) == pytest.approx(dict.fromkeys(EVEN, 1 / 3), abs=0.04)
    assert shares(EVEN, [(arm, 0.0, 0.0) for arm, _, _ in even]) == pytest.approx(
        dict.fromkeys(EVEN, 1 / 3), abs=0.04
    )


def test_an_arm_that_earns_the_same_at_a_tenth_of_the_cost_is_drawn_rather():
    outcomes = earning({"a": 0.1, "b": 0.1, "c": 0.1}, 300, cost={"a": 1.0, "b": 0.1, "c": 1.0})
    assert shares(EVEN, outcomes)["b"] > 0.7


def test_an_arm_that_costs_nothing_is_not_drawn_for_ever():
    outcomes = earning({"a": 0.2, "b": 0.0, "c": 0.2}, 400, cost={"a": 1.0, "b": 0.0, "c": 1.0})
    assert shares(EVEN, outcomes)["b"] < 0.2
    free = earning({"a": 0.2, "b": 0.2, "c": 0.2}, 400, cost={"a": 1.0, "b": 0.0, "c": 1.0})
    assert 0.8 < shares(EVEN, free)["b"] < 0.995


def test_what_paid_long_ago_gives_way_to_what_pays_now():
    old = earning({"a": 0.3, "b": 0.02, "c": 0.02}, int(3 * HALF_LIFE))
    new = earning({"a": 0.02, "b": 0.3, "c": 0.02}, int(HALF_LIFE), seed=1)
    assert shares(EVEN, old)["a"] > 0.7
    assert shares(EVEN, old + new)["b"] > 0.7


def test_arms_that_cannot_be_drawn_now_are_no_evidence():
    known = earning({"a": 0.3, "b": 0.02}, 100)
    apart = [("seed", 1.0, 1.0)] * 50
    assert [chosen({"a": 1, "b": 1}, known, Random(s)) for s in range(200)] == [
        chosen({"a": 1, "b": 1}, known + apart, Random(s)) for s in range(200)
    ]


def settings_of(**told):
    return RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=28), **told)


def test_static_choice_heeds_weights_alone_and_a_run_may_name_its_operators():
    history = [past(operator="b", score=0.5, result="new")] * 50
    weights = {"a": 6.0, "b": 3.0, "c": 1.0}
    static = Chooser(settings_of(choice="static"), weights)
    drawn = [static.pick("operator", weights, history, Random(seed)) for seed in range(300)]
    assert drawn == [Random(seed).choices("abc", [6, 3, 1])[0] for seed in range(300)]
    bandit = Chooser(settings_of(choice="bandit"), weights)
    assert Counter(bandit.pick("operator", weights, history, Random(s)) for s in range(300))["b"] > 100
    two = Chooser(settings_of(choice="static", operators=("a", "c")), weights)
    assert {two.pick("operator", weights, [], Random(seed)) for seed in range(100)} == {"a", "c"}
    with pytest.raises(SpeciateError, match="expected operators out of a, b, c, got d"):
        Chooser(settings_of(operators=("a", "d")), weights)


def test_a_chooser_that_has_seen_earlier_commits_chooses_as_a_new_one():
    rng, weights = Random(5), {"a": 2.0, "b": 1.0, "c": 1.0}
    whole = tuple(past(ticket=n, operator=rng.choice("abc"), score=rng.uniform(0, 5)) for n in range(300))
    kept = Chooser(settings_of(choice="bandit"), weights)
    for commits in (0, 1, 40, 41, 41, 90, 300):
        for history in (whole[:commits], whole[:commits][-50:]):
            new = Chooser(settings_of(choice="bandit"), weights)
            drawn = [each.pick("operator", weights, history, Random(commits)) for each in (kept, new)]
            assert drawn[0] == drawn[1]
    assert kept._worths(whole[20:60]) == Chooser(settings_of(choice="bandit"))._worths(whole[20:60])


@pytest.mark.parametrize("islands", [1, 3])
def test_a_run_by_bandit_ends_alike_with_any_workers_after_a_kill_and_in_its_replay(tmp_path, islands):
    def judging(seed, failing=False):
        rng, told = Random(seed), 0

        async def judge_at_a_price(candidate, cache, repetition=0):
            nonlocal told
            told += 1
            if failing and told == 18:
                raise OSError("cut off")
            await asyncio.sleep(rng.random() * 0.003)
            return judge(candidate, cache).model_copy(update={"cost": Cost(cpu_s=rng.random())})

        return judge_at_a_price

    digests = set()
    for name in ("one", "other", "killed"):
        archive = open_archive(tmp_path / f"{name}.db", create=True)
        settings = settings_of(choice="bandit", islands={"count": islands, "migrate": 9})
        run_id = create_run(archive, settings, PROBLEM, STARTERS)
        if name == "killed":
            with pytest.raises(OSError, match="cut off"):
                asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM, settings), judging(name, True)))
        asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM, settings), judging(name)))
        digests.add(archive_digest(archive, run_id))
    target = open_archive(tmp_path / "replay.db", create=True)
    replayed = asyncio.run(replay(archive, run_id, target, PROBLEM, judging("again")))
    assert replayed.parting is None
    assert {replayed.digest} == digests
    homes = [ticket.draw.island for ticket in archive.tickets(run_id)[len(STARTERS) :]]
    assert set(homes) == ({None} if islands == 1 else {0, 1, 2})
