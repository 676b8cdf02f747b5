"""Islands: what a draw sees, who migrates, who starts anew, and that all of it follows from the log."""

import asyncio
from random import Random

import pytest
from speciate.agent import (
    Budget,
    Draw,
    Elite,
    GeneticProposer,
    InsertionRecord,
    IslandSettings,
    RunSettings,
    create_run,
    open_archive,
    search,
)
from speciate.agent._grid import Inserted
from speciate.agent._islands import Islands
from speciate.agent._tessellation import Bins
from speciate.evaluators import Descriptor, ProblemRef
from synthetic_problem import RoutingProblem, judge, routing_judge

NICHES = Bins((Descriptor(name="a", low=0.0, high=1.0, bins=40),))
PROBLEM = RoutingProblem()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]


def islands(count, migrate=1000, restart=None, seed=0):
    told = IslandSettings(count=count, migrate=migrate, restart=restart)
    return Islands(RunSettings(problem=ProblemRef(name="none"), seed=seed, islands=told), NICHES)


def fed(log, **settings):
    """Islands after a log of (ticket, cell, score); ticket 0 is the starting design."""
    made = islands(**settings)
    for ticket, cell, score in log:
        made.take(ticket, Inserted(cell, score, "new", None), None, made.home(ticket) if ticket else None)
    return made


def seen(made, ticket, commits):
    view = made.view(made.home(ticket), commits)
    return None if view is None else [elite.ticket for elite in view.elites]


def test_a_draw_sees_its_own_island_and_the_starting_designs():
    made = fed([(0, 0, 9.0), (1, 1, 5.0), (2, 2, 6.0), (3, 3, 7.0), (4, 1, 4.0)], count=3)
    assert [seen(made, ticket, 5) for ticket in (5, 6, 7)] == [[2, 0], [3, 0], [4, 0]]
    assert made.view(1, 5).elites[0] == Elite(4, 1, 4.0)


def test_an_island_without_anybody_sees_nothing_of_its_own():
    assert seen(islands(2), 0, 0) is None


def test_the_best_tenth_goes_to_the_next_island_and_all_leave_before_any_arrives():
    # Island 0 holds tickets 0, 2, 4, ... with scores that fall, island 1 the odd ones, all in cells of their own.
    log = [(ticket, ticket, 100.0 - ticket) for ticket in range(22)]
    before, after = fed(log, count=2, migrate=23), fed(log, count=2, migrate=22)
    assert seen(before, 0, 22)[:3] == [20, 18, 16]
    # Eleven and twelve elites: two of each leave.
    assert seen(after, 0, 22)[:4] == [21, 20, 19, 18]
    assert seen(after, 1, 22)[:4] == [21, 20, 19, 18]
    assert 17 not in seen(after, 0, 22)


def test_a_migrant_takes_a_niche_only_if_it_is_better():
    made = fed([(0, 0, 9.0), (1, 5, 3.0), (2, 5, 2.0)], count=2, migrate=3)
    assert seen(made, 1, 3) == [2, 0]
    assert seen(made, 0, 3) == [2, 0]


def test_a_stagnant_island_starts_anew_from_another_one_and_the_leader_never_does():
    log = [(0, 0, 9.0), (1, 1, 5.0), (2, 2, 4.0)]
    made = fed(log, count=2, restart=10)
    assert seen(made, 1, 11) == [1, 0]
    # Ticket 1 was the last to better island 1, by commit 2; the leader on island 0 stays though it stagnates too.
    assert seen(made, 1, 12) == [2]
    assert seen(made, 0, 40) == [2, 0]


def test_an_improvement_puts_the_restart_off():
    log = [(0, 0, 9.0), (1, 1, 5.0), (2, 2, 4.0), (9, 3, 4.5)]
    made = fed(log, count=2, restart=10)
    assert seen(made, 1, 19) == [9, 1, 0]
    assert seen(made, 1, 20) == [2]


def test_founders_are_drawn_from_the_islands_that_live():
    log = [(0, 0, 9.0), *((ticket, ticket, 9.0 - ticket) for ticket in range(1, 4)), (32, 20, 7.5), (33, 21, 6.5)]
    founders = set()
    for seed in range(20):
        made = fed(log, count=4, restart=35, seed=seed)
        # Islands 2 and 3 stagnate from commits 3 and 4 on, islands 0 and 1 were bettered by 32 and 33; 3 leads.
        founders.add(tuple(seen(made, 2, 38)))
    assert founders == {(3,), (32,), (33,)}


def test_a_holder_that_was_measured_again_has_its_new_score_on_every_island():
    made = fed([(0, 0, 9.0), (1, 1, 5.0)], count=2)
    made.take(2, Inserted(0, 9.5, "rejected", None, 3, True, 9.2), 0, 0)
    assert [elite.score for elite in made.view(0, 3).elites] == [9.2]
    assert [elite.score for elite in made.view(1, 3).elites] == [5.0, 9.2]


@pytest.mark.parametrize("looks", [1, 3])
def test_what_is_seen_depends_on_commits_and_not_on_when_one_looks(looks):
    rng = Random(4)
    log = [(ticket, rng.randrange(40), rng.uniform(0, 50)) for ticket in range(200) if ticket % 3]
    settings = {"count": 3, "migrate": 17, "restart": 23}
    whole, often = fed(log, **settings), islands(**settings)
    for ticket, cell, score in log:
        if ticket % looks == 0:
            often.view(often.home(ticket), ticket)
        often.take(ticket, InsertionRecord(ticket, cell, score, "new", None), None, often.home(ticket))
    assert [seen(whole, t, 200) for t in range(3)] == [seen(often, t, 200) for t in range(3)]


def new_run(path, evaluations, **settings):
    archive = open_archive(path, create=True)
    chosen = RunSettings(
        problem=ProblemRef(name=PROBLEM.name),
        budget=Budget(evaluations=evaluations),
        islands=IslandSettings(count=3, migrate=7, restart=12),
        **settings,
    )
    return archive, create_run(archive, chosen, PROBLEM, STARTERS)


class Killed(GeneticProposer):
    """Fails once, when a ticket is drawn; the tickets before it are in flight."""

    def __init__(self, problem, at):
        super().__init__(problem)
        self.left = at

    def draw(self, view, rng) -> Draw:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("killed")
        return super().draw(view, rng)


def test_a_run_ends_alike_whatever_the_workers_and_the_sittings(tmp_path):
    def slow(seed):
        rng = Random(seed)

        async def judging(candidate, cache):
            await asyncio.sleep(rng.random() * 0.004)
            return judge(candidate, cache)

        return judging

    ends = []
    for name, at in (("whole", None), ("again", None), ("early", 9), ("late", 33)):
        archive, run_id = new_run(tmp_path / name, 60)
        if at is not None:
            with pytest.raises(RuntimeError, match="killed"):
                asyncio.run(search(archive, run_id, PROBLEM, Killed(PROBLEM, at), slow(at)))
        asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), slow(name)))
        drawn = [(ticket.visible, ticket.draw) for ticket in archive.tickets(run_id)]
        ends.append((drawn, archive.insertions(run_id)))
        archive.close()
    assert ends[0] == ends[1] == ends[2] == ends[3]


def test_parents_come_from_the_island_of_the_ticket_and_the_archive_stays_one(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", 60)
    asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), routing_judge))
    log = archive.insertions(run_id)
    made = Islands(archive.run(run_id).settings, Bins(PROBLEM.descriptors))
    waiting = list(log)
    for ticket in archive.tickets(run_id)[len(STARTERS) :]:
        while waiting and waiting[0].ticket < ticket.visible:
            entry = waiting.pop(0)
            given = entry.ticket < len(STARTERS)
            made.take(entry.ticket, entry, None, None if given else made.home(entry.ticket))
        held = seen(made, ticket.number, ticket.visible)
        if held is not None:
            assert set(ticket.draw.parents) <= set(held)
    best = min(entry.score for entry in log)
    assert archive.elites(run_id)[0].score == best
    archive.close()


def test_a_control_arm_that_sees_less_has_no_islands(tmp_path):
    draws = []
    for name, settings in (("islands", {}), ("none", {"islands": IslandSettings()})):
        archive = open_archive(tmp_path / name, create=True)
        chosen = {"islands": IslandSettings(count=3, migrate=7), **settings}
        run = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=25), memory="best", **chosen)
        run_id = create_run(archive, run, PROBLEM, STARTERS)
        asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), routing_judge))
        draws.append([ticket.draw for ticket in archive.tickets(run_id)])
        archive.close()
    assert draws[0] == draws[1]
