"""What control arms remember: draws see less, and the same less with any number of workers and after a kill."""

import asyncio
import sqlite3

import pytest
from speciate.agent import (
    GIVEN,
    Archive,
    Budget,
    GeneticProposer,
    Memory,
    RunSettings,
    create_run,
    open_archive,
    search,
)
from speciate.agent._grid import View
from speciate.agent._memory import seen
from speciate.agent._proposer import Elite
from speciate.evaluators import ProblemRef
from synthetic_problem import RoutingProblem, judge, routing_judge

PROBLEM = RoutingProblem()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]


def new_run(path, memory):
    archive = open_archive(path, create=True)
    settings = RunSettings(
        problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=40), memory=memory, seed=5
    )
    return archive, create_run(archive, settings, PROBLEM, STARTERS)


def searched(archive, run_id, judging=routing_judge):
    return asyncio.run(search(archive, run_id, PROBLEM, GeneticProposer(PROBLEM), judging))


def drawn(archive: Archive, run_id: str):
    return [ticket for ticket in archive.tickets(run_id) if ticket.proposer != GIVEN]


def test_the_view_reaches_as_far_as_the_memory():
    view = View(9, (Elite(4, 0, 1.0), Elite(2, 3, 1.5), Elite(7, 5, 2.0)))
    start = [Elite(1, 3, 3.0), Elite(2, 3, 1.5), Elite(0, 3, 3.0)]
    assert seen(view, "archive", start) is view
    assert seen(view, "best", start) == View(9, (Elite(4, 0, 1.0),))
    assert seen(view, "start", start) == View(9, (Elite(2, 3, 1.5), Elite(0, 3, 3.0), Elite(1, 3, 3.0)))
    assert seen(View(0, ()), "best", ()).elites == ()


def test_best_of_n_has_only_starting_designs_as_parents(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", "start")
    searched(archive, run_id)
    parents = {parent for ticket in drawn(archive, run_id) for parent in ticket.draw.parents}
    given = {ticket.number for ticket in archive.tickets(run_id) if ticket.proposer == GIVEN}
    assert parents <= given
    assert len(parents) > 1


def test_without_an_archive_the_parent_is_the_best_so_far(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", "best")
    searched(archive, run_id)
    log = archive.insertions(run_id)
    seen_one = 0
    for ticket in drawn(archive, run_id):
        past = [entry for entry in log if entry.ticket < ticket.visible]
        if past:
            best = min(past, key=lambda entry: (entry.score, entry.ticket))
            assert ticket.draw.parents == (best.ticket,)
            seen_one += 1
    assert seen_one > 20


@pytest.mark.parametrize("memory", ["best", "start"])
def test_a_run_with_less_memory_resumes_to_the_same_draws(tmp_path, memory: Memory):
    whole, first = new_run(tmp_path / "whole.db", memory)
    searched(whole, first)
    cut, second = new_run(tmp_path / "cut.db", memory)
    judged = 0

    async def failing(candidate, cache):
        nonlocal judged
        judged += 1
        if judged == 15:
            raise OSError("cut off")
        return judge(candidate, cache)

    with pytest.raises(OSError, match="cut off"):
        searched(cut, second, failing)
    assert searched(cut, second).state == "finished"
    assert [t.draw for t in cut.tickets(second)] == [t.draw for t in whole.tickets(first)]


def test_settings_written_before_there_was_a_memory_mean_the_archive(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", "archive")
    archive.close()
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute("UPDATE runs SET settings = json_remove(settings, '$.memory')")
    assert open_archive(tmp_path / "runs.db").run(run_id).settings.memory == "archive"
