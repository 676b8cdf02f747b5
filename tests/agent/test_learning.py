"""A run's lessons as rows: derived from what was committed, the same after a kill and in a replay, and passed on."""

import asyncio
import time
from dataclasses import replace

import pytest
from scripted_proposer import ScriptedProposer
from speciate.agent import (
    Archive,
    Budget,
    GeneticProposer,
    Proposal,
    Reasons,
    RunSettings,
    create_run,
    open_archive,
    replay,
    search,
)
from speciate.agent._changes import Words, changes
from speciate.agent._learning import EVERY, Learning
from speciate.agent._lesson_rows import book_of
from speciate.agent._lessons import ANY, HALF_LIFE, INHERITED, Lesson
from speciate.agent._statements import LESSONS
from speciate.agent.researcher._tickets import RESEARCH, noted
from speciate.evaluators import ProblemRef
from sqlalchemy import select
from support.killed_search import started
from synthetic_problem import RoutingProblem, routing_judge

PROBLEM = RoutingProblem()
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]


class Sister(RoutingProblem):
    """Another problem of the same family."""

    name = "sister"


class Stranger(RoutingProblem):
    """A problem of another family."""

    family = "strangers"


def new_run(archive, evaluations=60, problem=PROBLEM, **settings):
    told = {"lessons": "run", **settings}
    chosen = RunSettings(problem=ProblemRef(name=problem.name), budget=Budget(evaluations=evaluations), **told)
    return create_run(archive, chosen, problem, STARTERS)


def searched(archive, problem=PROBLEM, inventor=None, evaluations=60, **settings):
    run_id = new_run(archive, evaluations, problem, **settings)
    asyncio.run(search(archive, run_id, problem, inventor or GeneticProposer(PROBLEM), routing_judge))
    return run_id


def rows(archive: Archive, run_id):
    names = [column for column in LESSONS.c if column.name not in ("id", "run_id", "created_at")]
    with archive.database.read() as connection:
        query = select(*names).where(LESSONS.c.run_id == run_id).order_by(LESSONS.c.number, LESSONS.c.commit)
        return [tuple(row) for row in connection.execute(query)]


def book(archive, run_id, point=None):
    with archive.database.read() as connection:
        return book_of(connection, run_id, point)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """An archive with one run that learnt; tests only read it."""
    archive = open_archive(tmp_path_factory.mktemp("lessons") / "runs.db", create=True)
    return archive, searched(archive)


def test_the_book_counts_what_became_of_every_kind_of_change(learnt):
    archive, run_id = learnt
    tickets = archive.tickets(run_id)
    scores = {entry.ticket: entry.score for entry in archive.insertions(run_id)}
    sources = {ticket.number: archive.candidates_of(run_id, ticket.number)[-1].candidate for ticket in tickets}
    last = len(tickets) - len(tickets) % EVERY
    words, counted = Words.of(PROBLEM), {}
    for ticket in tickets[:last]:
        parent = ticket.draw.parents[0] if ticket.draw.parents else None
        if ticket.number not in scores or parent not in scores:
            continue
        weight = 0.5 ** ((last - (ticket.number // EVERY + 1) * EVERY) / HALF_LIFE)
        for text in (ANY, *changes(sources[parent], sources[ticket.number], words)):
            improved, not_ = counted.get(text, (0.0, 0.0))
            better = scores[ticket.number] < scores[parent]
            counted[text] = (improved + weight * better, not_ + weight * (not better))
    told = {each.text: (each.evidence_for, each.evidence_against) for each in book(archive, run_id).lessons.values()}
    assert told == {text: pytest.approx(each) for text, each in counted.items()}
    assert len(told) > 10
    assert book(archive, run_id).usual is not None


def test_a_word_on_a_lesson_is_never_changed_and_only_new_evidence_is_one(learnt):
    archive, run_id = learnt
    told = rows(archive, run_id)
    first = [row for row in told if row[0] == 0]
    assert [row[1] for row in first] == list(range(0, len(archive.tickets(run_id)) + 1, EVERY))
    earlier = book(archive, run_id, 2 * EVERY)
    assert earlier.commit == 2 * EVERY
    assert earlier == book(archive, run_id, 2 * EVERY)
    assert 0 < len(earlier.lessons) < len(book(archive, run_id).lessons)
    assert len({row[:2] for row in told}) == len(told) < len(first) * len(book(archive, run_id).lessons)
    for number, lesson in earlier.lessons.items():
        assert book(archive, run_id, 3 * EVERY).lessons[number].text == lesson.text


def test_looking_back_again_writes_nothing(learnt):
    archive, run_id = learnt
    before = rows(archive, run_id)
    Learning(archive.database, run_id, PROBLEM, "run").learn(len(archive.tickets(run_id)))
    assert rows(archive, run_id) == before


def test_a_run_without_lessons_has_none_and_draws_alike(learnt, tmp_path):
    archive, run_id = learnt
    other = open_archive(tmp_path / "off.db", create=True)
    off = searched(other, lessons="off")
    assert rows(other, off) == []
    assert Learning(other.database, off, PROBLEM, "off").book(40).lessons == {}
    assert [t.draw for t in other.tickets(off)] == [t.draw for t in archive.tickets(run_id)]


class Researcher(ScriptedProposer):
    """Writes down what it learnt, also where it hands nothing in."""

    def draw(self, view, rng):
        return replace(super().draw(view, rng), operator=RESEARCH)

    async def write(self, task):
        proposal = await super().write(task)
        if task.ticket % 3:
            return replace(proposal, reasons=Reasons(insight="waiting grows with memory held\nthe fast server is idle"))
        return Proposal(None, note=noted("gave up:\nno gain", "shortest prompts first gains nothing"))


def test_insights_of_researchers_are_lessons_also_of_tickets_without_a_design(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    run_id = searched(archive, inventor=Researcher(), evaluations=25)
    told = {lesson.text: lesson.kind for lesson in book(archive, run_id).lessons.values() if lesson.kind != "change"}
    insights = ("waiting grows with memory held", "the fast server is idle", "shortest prompts first gains nothing")
    assert told == dict.fromkeys(insights, "model")


def test_a_look_back_that_a_kill_prevented_is_made_up_for(learnt, tmp_path):
    archive, run_id = learnt
    copy = open_archive(tmp_path / "copy.db", create=True)
    replayed = asyncio.run(replay(archive, run_id, copy, PROBLEM)).run_id
    whole = rows(copy, replayed)
    with copy.database.write() as connection:
        connection.execute(LESSONS.delete().where(LESSONS.c.run_id == replayed, LESSONS.c.commit > 2 * EVERY))
    assert rows(copy, replayed) != whole
    Learning(copy.database, replayed, PROBLEM, "run").learn(len(copy.tickets(replayed)))
    assert rows(copy, replayed) == whole


def test_a_replay_learns_the_same(learnt, tmp_path):
    archive, run_id = learnt
    target = open_archive(tmp_path / "replay.db", create=True)
    replayed = asyncio.run(replay(archive, run_id, target, PROBLEM, routing_judge))
    assert replayed.parting is None
    assert rows(target, replayed.run_id) == rows(archive, run_id)


def test_a_killed_and_resumed_run_learns_what_an_undisturbed_one_does(tmp_path):
    path = tmp_path / "killed.db"
    archive = open_archive(path, create=True)
    run_id = new_run(archive, 30, proposer="scripted", repairs=2)
    process = started(path, run_id, 1)
    while process.is_alive() and len(rows(archive, run_id)) < 5:
        time.sleep(0.05)
    process.kill()
    process.join()
    cut = len(rows(archive, run_id))
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    whole = open_archive(tmp_path / "whole.db", create=True)
    whole_id = searched(whole, inventor=ScriptedProposer(), evaluations=30, proposer="scripted", repairs=2)
    assert rows(archive, run_id) == rows(whole, whole_id)
    assert len(rows(whole, whole_id)) > cut


def test_a_later_run_of_the_family_begins_with_half_the_evidence(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    first = searched(archive)
    asyncio.run(replay(archive, first, archive, PROBLEM))
    searched(archive, Stranger())
    second = searched(archive, Sister(), lessons="family")
    told = {each.text: each for each in book(archive, first).lessons.values()}
    begun = {each.text: each for each in book(archive, second, 0).lessons.values()}
    assert begun.keys() == told.keys()
    for text, lesson in begun.items():
        assert lesson[3:5] == pytest.approx(told[text].weighed(INHERITED)[3:5])
    assert begun[ANY].number == 0
    assert book(archive, second).lessons[0].evidence > begun[ANY].evidence * 0.5 ** (80 / HALF_LIFE)
    third = searched(archive, Sister())
    assert list(book(archive, third, 0).lessons.values()) == [Lesson(0, "change", ANY)]


def test_what_a_run_began_with_is_replayed_and_not_what_was_learnt_since(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    searched(archive)
    second = searched(archive, evaluations=30, lessons="family", seed=2)
    searched(archive, evaluations=30, seed=3)
    target = open_archive(tmp_path / "replay.db", create=True)
    for into in (archive, target):
        replayed = asyncio.run(replay(archive, second, into, PROBLEM))
        assert replayed.parting is None
        assert rows(into, replayed.run_id) == rows(archive, second)
