"""The ablations tell the truth: what a row holds, how arms are paired, and that a search is repeated by its seed."""

import json
import sys
from pathlib import Path

import pytest

sys.path.extend(str(Path(__file__).with_name(folder)) for folder in ("ablations", "peers"))

import points
import tables
import worlds
from arms import Ablation, Arm
from catalogue import ABLATIONS
from searches import mean_of, row_of, trail_of
from speciate.agent import Budget, Past, Spent
from speciate.evaluators import Candidate, Status

SHORT = {"budget": {"evaluations": 25}}


def past(ticket, score, outcome="ok", usd=0.0):
    spent = Spent(usd, 0, 0.0)
    return Past(ticket, "a", None, "", None, (), outcome, score, "new", None, None, spent)


def test_a_trail_goes_by_what_the_budget_limits_and_its_mean_by_how_long_a_score_was_the_best():
    tickets = [past(0, 9.0, usd=0.1), past(1, None, "duplicate", 0.2), past(2, 4.0, usd=0.1)]
    by_evaluations = trail_of(tickets, Budget(evaluations=4), lambda score: 10 - score)
    assert by_evaluations == [(0.25, 1.0), (0.25, 1.0), (0.5, 6.0)]
    assert mean_of(by_evaluations) == pytest.approx(0.25 * 1 + 0.5 * 6)
    by_dollars = trail_of(tickets, Budget(usd=0.4, evaluations=99), lambda score: 10 - score)
    assert [spent for spent, _ in by_dollars] == pytest.approx([0.25, 0.75, 1.0])


@pytest.mark.parametrize("author", ["steps, even", "cheap pays"])
def test_a_search_of_points_is_repeated_by_its_seed_and_improves(author):
    settings = {"budget": {"evaluations": 80}, "choice": "bandit", "islands": {"count": 2}, "window": 3}
    rows = [row_of(Arm(settings, author), "sphere", seed) for seed in (1, 1, 2)]
    for row in rows:
        del row["cpu_s"]
    assert rows[0] == rows[1] != rows[2]
    assert rows[0]["tickets"] == 80
    start = 100 / (1 + points.LANDSCAPES["sphere"](points.START))
    assert start < rows[0]["mean"] < rows[0]["best"] < 100


def test_a_ticket_of_points_sees_the_commits_of_a_window_ago():
    told = Arm({"budget": {"evaluations": 30}, "window": 5}).run_settings("none", 1)
    tickets = points.searched("sphere", points.AUTHORS["one step"], told)
    assert all(parent <= max(0, ticket.ticket - 5) for ticket in tickets for parent in ticket.parents)
    assert all(ticket.before == tickets[ticket.parents[0]].score for ticket in tickets if ticket.parents)
    best = [min(each.score for each in tickets[:number]) for number in range(1, 30)]
    assert [ticket.best for ticket in tickets[1:]] == best


@pytest.mark.parametrize("arm", [Arm(SHORT), Arm({**SHORT, "choice": "bandit"}, "slipping author")])
def test_a_search_of_programs_is_repeated_by_its_seed(arm):
    rows = [row_of(arm, "approximation", 3) for _ in range(2)]
    for row in rows:
        del row["cpu_s"]
    assert rows[0] == rows[1]
    assert rows[0]["evaluations"] == 25
    assert rows[0]["best"] > rows[0]["mean"] > 20
    assert (rows[0]["usd"] > 0) == (arm.author != "genetic")


def test_the_trusted_judge_knows_sources_and_behaviours_again_and_a_fault_is_no_score():
    seed = worlds.world("routing").seed()
    again = Candidate.from_source(seed.source.replace("1.0 - waiting", "2.0 - waiting - 1.0"))
    word = worlds.judge("routing", seed, None)

    class PastOf:
        def by_source(self, candidate_id):
            return word if candidate_id == seed.id else None

        def by_decisions(self, decision_hash):
            return word if decision_hash == word.decision_hash else None

    assert worlds.judge("routing", again, None).status is Status.OK
    for candidate in (seed, again):
        found = worlds.judge("routing", candidate, PastOf())
        assert (found.status, found.candidate, found.score) == (Status.DUPLICATE, candidate.id, word.score)
    broken = Candidate.from_source(seed.source.replace("1.0", "nothing"))
    assert worlds.judge("routing", broken, None).score is None


def row(arm, world, seed, best):
    return {"arm": arm.key, "world": world, "seed": seed, "best": best, "mean": best / 2}


def test_arms_are_paired_by_world_and_seed_and_worlds_weigh_the_same():
    on, off = Arm({**SHORT, "window": 2}), Arm(SHORT)
    rows = [row(on, "a", seed, 6.0) for seed in range(9)] + [row(off, "a", seed, 4.0) for seed in range(1, 5)]
    rows += [row(on, "b", 1, 10.0), row(off, "b", 1, 6.0), row(off, "c", 1, 99.0)]
    ablation = Ablation("x", on, off, ("a", "b", "c"))
    pairs = tables.pairs_of(ablation, rows)
    assert {world: len(each) for world, each in pairs.items()} == {"a": 4, "b": 1}
    assert tables.gap_of(pairs, "best") == (3.0, 3.0, 3.0)
    line = tables.line_of(ablation, rows)
    assert "| 2 x 1-4 | 8.00 | 5.00 | +1.50 [+1.50, +1.50] | +3.00 [+3.00, +3.00] | 5 / 0 | helps | off |" in line
    assert tables.line_of(Ablation("x", off, on, ("a",)), rows).endswith("| 0 / 4 | hurts | on |")
    assert tables.line_of(Ablation("x", on, off, ("c",)), rows) is None


def test_every_ablation_changes_something_and_its_arms_can_be_run():
    assert len({each.name for each in ABLATIONS}) == len(ABLATIONS)
    for ablation in ABLATIONS:
        assert ablation.on.key != ablation.off.key
        for arm in (ablation.on, ablation.off):
            settings = arm.run_settings(ablation.worlds[0], 1)
            assert settings.budget.evaluations or settings.budget.usd or settings.budget.tokens
            assert json.loads(arm.told)["author"] == arm.author
