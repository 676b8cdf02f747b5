"""The archive over time, against a recomputation of every figure from its definition."""

import asyncio
import json
from itertools import pairwise
from random import Random

import pytest
from speciate.agent import Budget, GeneticProposer, InsertionRecord, RunSettings, create_run, open_archive, search
from speciate.agent._descent import Descent
from speciate.evaluators import ProblemRef
from speciate.runs._dynamics import MOMENTS, dynamics_of, dynamics_over
from speciate.runs._overview import run_json, run_lines
from synthetic_problem import RoutingProblem, routing_judge

PROBLEM = RoutingProblem()


def history(count, cells, seed, noisy=False):
    """A made-up run: two starting designs, one to two parents each, every third ticket archives nothing."""
    rng, holders = Random(seed), {}
    tickets, log = [], []
    for number in range(count):
        given = number < 2
        parents = () if given else tuple({rng.randrange(number) for _ in range(rng.randint(1, 2))})
        tickets.append(Descent(number, parents, "seed" if given else "mutate", given, counted=number % 7 != 6))
        if number % 3 == 2:
            continue
        cell, score = rng.randrange(cells), rng.uniform(0, 100) - 0.1 * number
        held = holders.get(cell)
        result = "new" if held is None else "improved" if score < held[0] else "rejected"
        again = held[0] + rng.uniform(-5, 5) if noisy and result == "rejected" else None
        log.append(
            InsertionRecord(number, cell, score, result, held[1] if result == "improved" else None, 1, None, again)
        )
        if result != "rejected":
            holders[cell] = (score, number)
        elif again is not None:
            holders[cell] = (again, held[1])
    return tickets, log


def held_after(log, commits):
    holders = {}
    for entry in log:
        if entry.ticket < commits and entry.result != "rejected":
            holders[entry.cell] = (entry.score, entry.ticket)
        elif entry.ticket < commits and entry.holder_score is not None:
            holders[entry.cell] = (entry.holder_score, holders[entry.cell][1])
    return holders


def ancestors(tickets, number):
    """All ancestors of a ticket, itself left out."""
    found, wanted = set(), list(tickets[number].parents)
    while wanted:
        parent = wanted.pop()
        if parent not in found:
            found.add(parent)
            wanted += tickets[parent].parents
    return found


def generations(tickets, number):
    parents = tickets[number].parents
    return 1 + max(generations(tickets, parent) for parent in parents) if parents else 0


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("maximize", [False, True])
def test_every_moment_agrees_with_its_definition(noisy, maximize):
    tickets, log = history(60, 8, seed=3, noisy=noisy)
    told = dynamics_over(tickets, log, 8, maximize=maximize)
    sign, worst = -1 if maximize else 1, max(entry.score for entry in log if entry.ticket < 2)
    assert told.worst == sign * worst
    assert [moment.commits for moment in told.moments] == list(range(1, 61))
    for moment in told.moments:
        held = held_after(log, moment.commits)
        assert moment.evaluations == sum(ticket.counted for ticket in tickets[: moment.commits])
        assert (moment.niches, moment.coverage) == (len(held), len(held) / 8)
        assert moment.qd_score == pytest.approx(sum(max(0, worst - score) for score, _ in held.values()))
        assert moment.best == sign * min(score for score, _ in held.values())
        assert moment.depth == pytest.approx(sum(generations(tickets, t) for _, t in held.values()) / len(held))
    assert told.deepest == max(generations(tickets, ticket) for _, ticket in held.values())


def test_donors_are_those_whose_descendants_hold_most_and_when_they_took_over():
    tickets, log = history(80, 12, seed=5)
    told = dynamics_over(tickets, log, 12)
    held = held_after(log, 80)
    rose = {
        number: frozenset(cell for cell, (_, holder) in held.items() if number in ancestors(tickets, holder))
        for number in range(2, 80)
    }
    assert len(told.donors) == 5
    counts = [donor.niches for donor in told.donors]
    assert counts == sorted(counts, reverse=True)
    assert counts == sorted({cells: len(cells) for cells in rose.values() if cells}.values(), reverse=True)[:5]
    for donor in told.donors:
        assert donor.niches == len(rose[donor.ticket])
        assert donor.ticket == max(number for number, cells in rose.items() if cells == rose[donor.ticket])
        shares = {}
        for entry in log:
            after = held_after(log, entry.ticket + 1)
            line = sum(t == donor.ticket or donor.ticket in ancestors(tickets, t) for _, t in after.values())
            shares[entry.ticket] = line / len(after)
        expected = min((t - donor.ticket for t, share in shares.items() if share >= 0.5), default=None)
        assert donor.takeover == expected


def test_a_long_run_is_thinned_evenly_and_keeps_its_end():
    tickets, log = history(1001, 30, seed=1)
    moments = dynamics_over(tickets, log, None).moments
    assert len(moments) == MOMENTS
    assert moments[-1].commits == 1001
    steps = {after.commits - before.commits for before, after in pairwise(moments)}
    assert steps == {8, 9}
    assert moments[-1].coverage is None


def test_an_empty_archive_has_no_moments_and_no_words():
    told = dynamics_over([Descent(0, (), "seed", given=True, counted=True)], [], 8)
    assert (told.moments, told.donors, told.words) == ((), (), ())


def test_show_tells_of_a_run(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    settings = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=40))
    run_id = create_run(archive, settings, PROBLEM, [PROBLEM.seed()])
    asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), routing_judge))
    run = archive.run(run_id)
    told = dynamics_of(archive, run)
    elites = archive.elites(run_id)
    assert (told.cells, told.moments[-1].niches) == (24, len(elites))
    assert (told.moments[-1].best, told.moments[-1].evaluations) == (elites[0].score, 40)
    lines = [line for line in run_lines(archive, run) if line.startswith(("archive ", "lineage ", "donors "))]
    assert lines[0].startswith(f"archive    {len(elites)} of 24 niches held (")
    assert len(lines) == 3
    assert json.loads(run_json(archive, run))["dynamics"] == json.loads(told.model_dump_json())
    archive.close()
