import asyncio
import pickle
import subprocess
import sys

import pytest
from pydantic import ValidationError
from scripted_proposer import ScriptedProposer
from speciate.agent import (
    GIVEN,
    Budget,
    Draw,
    Reasons,
    RunSettings,
    archive_digest,
    create_run,
    open_archive,
    search,
)
from speciate.evaluators import Candidate, Evaluation, Measurement, ProblemRef, SourceFile, SpeciateError, Status
from speciate.evaluators._contract import TRACE_CHARACTERS, TRACE_LINES
from synthetic_problem import RoutingProblem, routing_judge

PROBLEM = RoutingProblem()
SETTINGS = RunSettings(problem=ProblemRef(name=PROBLEM.name, options={"a": "1"}), budget=Budget(evaluations=40))
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]


@pytest.fixture(scope="module")
def searched(shared_place):
    """An archive with one finished run; tests only read it."""
    archive = open_archive(shared_place, create=True)
    run_id = create_run(archive, SETTINGS, PROBLEM, STARTERS, {"python": "3.11"})
    asyncio.run(search(archive, run_id, PROBLEM, ScriptedProposer(), routing_judge))
    return archive, run_id


@pytest.fixture
def fresh(place):
    archive = open_archive(place, create=True)
    return archive, create_run(archive, SETTINGS, PROBLEM, STARTERS)


def test_run_keeps_what_it_was_made_with(searched):
    archive, run_id = searched
    run = archive.run(run_id)
    assert run_id.startswith("synthetic-routing-")
    laid = SETTINGS.archive.model_copy(update={"cells": 24})
    made = SETTINGS.model_copy(update={"archive": laid})
    assert (run.settings, run.environment, run.problem_version) == (made, {"python": "3.11"}, "1")
    assert run.problem == SETTINGS.problem
    assert (run.state, run.reason, run.champion, run.control_of) == ("finished", "40 evaluations", None, None)
    assert archive.runs() == [run]


def test_digest_is_the_same_wherever_the_archive_is(searched, tmp_path):
    archive, run_id = searched
    other = open_archive(tmp_path / "runs.db", create=True)
    again = create_run(other, SETTINGS, PROBLEM, STARTERS)
    asyncio.run(search(other, again, PROBLEM, ScriptedProposer(), routing_judge))
    assert archive_digest(other, again) == archive_digest(archive, run_id)


def test_run_is_found_by_unique_prefix_only(place):
    archive = open_archive(place, create=True)
    first = create_run(archive, SETTINGS, PROBLEM, STARTERS)
    assert archive.run(first[:-1]).id == first
    second = create_run(archive, SETTINGS, PROBLEM, STARTERS, control_of=first)
    assert first != second
    assert archive.run(second).control_of == first
    with pytest.raises(SpeciateError, match=f"{first}.*|{second}.*"):
        archive.run("synthetic-")
    with pytest.raises(SpeciateError, match="there is none"):
        archive.run("nothing%")


def test_run_without_any_limit_is_refused(place):
    archive = open_archive(place, create=True)
    with pytest.raises(SpeciateError, match="needs a limit"):
        create_run(archive, SETTINGS.model_copy(update={"budget": Budget()}), PROBLEM, STARTERS)
    assert archive.runs() == []


def test_starters_are_tickets_without_repetition(place):
    archive = open_archive(place, create=True)
    run_id = create_run(archive, SETTINGS, PROBLEM, [STARTERS[0], STARTERS[1], STARTERS[0]])
    tickets = archive.tickets(run_id)
    assert [(t.number, t.visible, t.proposer, t.draw.operator, t.outcome) for t in tickets] == [
        (0, 0, GIVEN, "seed", None),
        (1, 0, GIVEN, "seed", None),
    ]
    assert archive.counts(run_id) == {"in_flight": 2}


def test_elites_best_and_progress_agree_with_the_log(searched):
    archive, run_id = searched
    holders = {}
    for entry in archive.insertions(run_id):
        if entry.result != "rejected":
            holders[entry.cell] = entry.ticket
    elites = archive.elites(run_id)
    assert {elite.cell: elite.ticket for elite in elites} == holders
    assert [elite.score for elite in elites] == sorted(elite.score for elite in elites)
    best = archive.best(run_id, 5)
    assert best[0] == elites[0]
    assert len(best) == 5
    points = archive.progress(run_id)
    assert points[-1].best == best[0].score
    assert points[-1].evaluations == 40
    assert points[-1].niches == len(elites)
    curve = [point.best for point in points if point.best is not None]
    assert curve == sorted(curve, reverse=True)


def test_counts_and_operators_cover_every_ticket(searched):
    archive, run_id = searched
    tickets = archive.tickets(run_id)
    assert sum(archive.counts(run_id).values()) == len(tickets)
    operators = archive.operators(run_id)
    assert [(each.proposer, each.operator) for each in operators] == [("given", "seed"), ("scripted", "tweak")]
    assert sum(each.tickets for each in operators) == len(tickets)
    assert sum(each.ok for each in operators) == archive.counts(run_id)["ok"]


def test_lineage_holds_all_ancestors(searched):
    archive, run_id = searched
    last = next(t for t in reversed(archive.tickets(run_id)) if t.draw.parents)
    family = archive.lineage(run_id, last.number)
    numbers = {ticket.number for ticket in family}
    assert last.number in numbers
    assert all(set(ticket.draw.parents) <= numbers for ticket in family)
    assert family[0].draw.parents == ()
    with pytest.raises(SpeciateError, match="no ticket"):
        archive.lineage(run_id, 10_000)


def test_candidate_is_found_by_prefix_with_its_provenance(searched):
    archive, run_id = searched
    elite = archive.best(run_id)[0]
    record = archive.candidate(run_id, elite.candidate_id[:12])
    assert record.candidate.id == elite.candidate_id
    assert record.candidate.operator in ("seed", "tweak")
    child = next(
        records[0]
        for ticket in archive.tickets(run_id)
        if ticket.draw.parents and (records := archive.candidates_of(run_id, ticket.number))
    )
    parent = archive.ticket(run_id, child.ticket).draw.parents[0]
    assert child.candidate.parents == (archive.candidates_of(run_id, parent)[-1].candidate.id,)
    with pytest.raises(SpeciateError, match="give more characters"):
        archive.candidate(run_id, "")
    with pytest.raises(SpeciateError, match="there is none"):
        archive.candidate(run_id, "zzz")


def test_evaluation_comes_back_whole(fresh):
    archive, run_id = fresh
    word = Evaluation(
        candidate=STARTERS[0].id,
        split="heldout",
        status=Status.OK,
        score=1.25,
        descriptors={"fast_share": 0.5},
        measurements=(
            Measurement(workload="w0", objective=1.0, metrics={"p99": 3.0}, feedback="slow", trace=("at 3 s: full",)),
            Measurement(workload="w1", objective=1.5),
        ),
        decision_hash="ab",
        labels=("library",),
        sandbox="process",
    )
    archive.store_evaluation(run_id, word, "report")
    archive.store_evaluation(run_id, word.model_copy(update={"split": "validation"}), "champion")
    (record,) = archive.evaluations(run_id, purpose="report")
    assert record.evaluation == word
    assert (record.ticket, record.turn) == (None, None)
    assert len(archive.evaluations(run_id, candidate_id=STARTERS[0].id)) == 2
    assert len(archive.evaluations(run_id, split="validation")) == 1
    assert archive.evaluations(run_id, purpose="search") == []


def test_a_trace_is_cut_to_a_few_short_lines():
    long = Measurement(workload="w", objective=1.0, trace=[f"{'x' * 1000}\n{i}" for i in range(1000)])
    assert [len(line) for line in long.trace] == [TRACE_CHARACTERS] * TRACE_LINES
    assert Measurement(workload="w", objective=1.0, trace=("a\n b",)).trace == ("a b",)
    with pytest.raises(ValidationError):
        Measurement(workload="w", objective=1.0, trace="one text")


def test_source_of_several_files_and_odd_characters_comes_back(fresh):
    archive, run_id = fresh
    files = (SourceFile(path="a.py", text="x = '\u00e9\u2028'\n"), SourceFile(path="b.txt", text="\ttab"))
    archive.issue(run_id, 4, 0, "llm", Draw("rewrite", (), 3, model="m", extra={"k": [1, 2]}))
    reasons = Reasons("it balances", "less waiting at load 0.9", "it waited as long\nas before")
    archive.store_candidate(run_id, 4, 0, Candidate(files=files, proposer="llm"), "an idea", reasons)
    archive.store_candidate(run_id, 4, 1, Candidate(files=files, proposer="llm"), "again")
    records = archive.candidates_of(run_id, 4)
    assert [record.candidate.files for record in records] == [files, files]
    assert [record.reasons for record in records] == [reasons, Reasons()]
    assert archive.ticket(run_id, 4).draw == Draw("rewrite", (), 3, model="m", extra={"k": [1, 2]})


def test_figures_that_are_not_finite_and_words_that_no_database_holds_are_kept_as_far_as_they_can(fresh):
    archive, run_id = fresh
    metrics = {"p99": float("inf"), "gain": float("-inf")}
    part = Measurement(workload="w", objective=1.0, metrics=metrics, feedback="odd \0 \ud800 \u2028")
    word = Evaluation(candidate="c" * 300, split="train", status=Status.OK, score=1.0, measurements=(part,))
    archive.store_evaluation(run_id, word, "baseline:" + "long" * 20)
    (record,) = archive.evaluations(run_id, purpose="baseline:" + "long" * 20)
    kept = part.model_copy(update={"feedback": "odd \ufffd ? \u2028"})
    assert record.evaluation == word.model_copy(update={"measurements": (kept,)})


def test_evaluations_are_read_however_many_there_are(fresh, monkeypatch):
    archive, run_id = fresh
    for number in range(5):
        parts = tuple(Measurement(workload=str(part), objective=float(number)) for part in range(number))
        word = Evaluation(candidate=f"c{number}", split="train", status=Status.OK, score=1.0, measurements=parts)
        archive.store_evaluation(run_id, word, "report")
    monkeypatch.setattr("speciate.agent._reader._MANY", 2)
    found = [record.evaluation for record in archive.evaluations(run_id, purpose="report")]
    assert [(word.candidate, len(word.measurements)) for word in found] == [(f"c{n}", n) for n in range(5)]


def test_champion_and_openings_are_kept(fresh):
    archive, run_id = fresh
    archive.add_opening(run_id, "validation", ["abc"], "champion")
    archive.add_opening(run_id, "heldout", ["abc", "def"], "report")
    archive.set_champion(run_id, "abc")
    assert archive.run(run_id).champion == "abc"
    assert [(o.split, o.candidates, o.reason) for o in archive.openings(run_id)] == [
        ("validation", ["abc"], "champion"),
        ("heldout", ["abc", "def"], "report"),
    ]


def failed_and_ok(archive, run_id):
    """Write three evaluations: a failure on ticket 0, the same answers judged ok on 1, a duplicate on 2."""
    common = {"candidate": "c0", "split": "train", "decision_hash": "same"}
    archive.store_evaluation(run_id, Evaluation(status=Status.TIMEOUT, **common), "search", 0, 0)
    ok = Evaluation(**{**common, "candidate": "c1"}, status=Status.OK, score=2.0)
    archive.store_evaluation(run_id, ok, "search", 1, 0)
    copied = ok.model_copy(update={"candidate": "c2", "status": Status.DUPLICATE, "duplicate_of": "c1"})
    archive.store_evaluation(run_id, copied, "search", 2, 0)
    return ok


def test_cache_sees_a_fixed_past_only(fresh):
    archive, run_id = fresh
    ok = failed_and_ok(archive, run_id)
    assert archive.cache(run_id, 1).by_source("c1") is None
    assert archive.cache(run_id, 2).by_source("c1") == ok
    assert archive.cache(run_id, 1).by_decisions("same") is None
    assert archive.cache(run_id, 2).by_decisions("same") == ok
    assert archive.cache("another", 9).by_source("c1") is None


def test_cache_reuses_failures_by_source_and_never_by_behaviour_or_twice_over(fresh):
    archive, run_id = fresh
    failed_and_ok(archive, run_id)
    cache = archive.cache(run_id, 9)
    assert cache.by_source("c0").status is Status.TIMEOUT
    assert cache.by_source("c2") is None
    assert cache.by_decisions("same").candidate == "c1"
    assert cache.by_decisions("other") is None


def test_cache_works_in_another_process(fresh):
    archive, run_id = fresh
    ok = failed_and_ok(archive, run_id)
    code = "from pickle import *; from sys import *; dump(load(stdin.buffer).by_source('c1'), stdout.buffer)"
    told = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(archive.cache(run_id, 2)), capture_output=True, check=True
    )
    assert pickle.loads(told.stdout) == ok


def test_cache_queries_use_an_index(tmp_path):
    archive = open_archive(tmp_path / "runs.db", create=True)
    with archive.database.read() as connection:
        for condition in ("candidate_id = 'x'", "decision_hash = 'x'"):
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM evaluations WHERE run_id = 'r' AND {condition} AND ticket < 5"
            ).all()
            assert "USING INDEX" in str(plan)


def test_run_held_on_a_server_that_is_lost_ends_in_one_clear_line_and_is_free_again(server):
    url = server.database()
    archive = open_archive(url, create=True)
    run_id = create_run(archive, SETTINGS, PROBLEM, STARTERS)

    def lose():
        with archive.sole_writer(run_id):
            server.drop_connections(url)
            archive.runs()

    with pytest.raises(SpeciateError, match=r"the database failed: .*terminat") as caught:
        lose()
    assert "\n" not in str(caught.value)
    with open_archive(url).sole_writer(run_id):
        pass


def test_run_is_held_once_and_free_again_after_a_failure(fresh, tmp_path):
    archive, run_id = fresh

    def fail():
        with archive.sole_writer(run_id):
            with pytest.raises(SpeciateError, match="being searched"), archive.sole_writer(run_id):
                pass
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with archive.sole_writer(run_id):
        pass
    assert not list(tmp_path.glob("*.lock"))
