"""What a model makes of a run's outcomes: asked for once a look back, kept as rows, and worth what follows from it."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speciate.agent import Budget, archive_digest, open_archive, replay, search
from speciate.agent._learning import EVERY
from speciate.agent._lesson_rows import book_of
from speciate.agent._lessons import TEXT_CHARACTERS, cited_in
from speciate.agent._outcomes import Outcome, outcomes_of
from speciate.agent._reflection import MOST_WORDS, SHOWN, TURN, parse_reflection, telling, words_of
from speciate.agent._replies import RawReply
from speciate.agent._requests import Place, RequestLog, Reservation
from speciate.agent._statements import LESSONS
from speciate.evaluators import JudgeTask, ProblemRef
from sqlalchemy import select
from support.llm_runs import llm_run
from support.openai_server import OpenAIServer, compose, digest_of
from support.trusted import TrustedExecutor

SCRIPT = Path(__file__).with_name("killed_llm_search.py")
LANES = ProblemRef(name=str(Path(__file__).parent.parent / "support" / "lanes.py"), options={"workloads": "1"})
EVALUATIONS = 2 * EVERY + 10


def lanes_judge(seed=0, slots=4):
    executor, rng, free = TrustedExecutor(), Random(seed), asyncio.Semaphore(slots)

    async def judging(candidate, cache, repetition=0):
        async with free:
            await asyncio.sleep(rng.random() * 0.003)
            return executor.submit(JudgeTask(problem=LANES, candidate=candidate), cache).result()

    return judging


def new_run(folder, server, evaluations=EVALUATIONS, **settings):
    run = llm_run(folder, server.base_url, budget=Budget(evaluations=evaluations))
    run.settings = run.settings.model_copy(update={"lessons": "run", **settings})
    run.archive.set_settings(run.run_id, run.settings)
    return run


def sit(run, judging=None):
    async def sitting():
        async with run.proposer() as proposer:
            await search(run.archive, run.run_id, run.problem, proposer, judging or lanes_judge())

    asyncio.run(sitting())
    return run


def reflections(run):
    return [row for row in run.rows() if row["turn"] == TURN]


def lessons(archive, run_id):
    names = [column for column in LESSONS.c if column.name not in ("id", "run_id", "created_at")]
    with archive.database.read() as connection:
        query = select(*names).where(LESSONS.c.run_id == run_id).order_by(LESSONS.c.number, LESSONS.c.commit)
        return [row._asdict() for row in connection.execute(query)]


def looks_back(body):
    return "# What was tried" in body["messages"][-1]["content"]


@pytest.fixture(scope="module")
def reflected(tmp_path_factory):
    """A finished run of a model that looked back, and what the server was asked; tests only read them."""
    with OpenAIServer(["diff", "rewrite", "fenced", "diff", "no_usage", "diff"] * 30, seed=6) as server:
        run = sit(new_run(tmp_path_factory.mktemp("reflected"), server))
    return run, server.bodies


def test_a_model_is_asked_to_look_back_once_for_every_so_many_commits(reflected):
    run, bodies = reflected
    told = reflections(run)
    tickets = {ticket.number: ticket for ticket in run.archive.tickets(run.run_id)}
    assert [tickets[row["ticket"]].visible for row in told] == [EVERY, 2 * EVERY]
    assert {(row["purpose"], row["outcome"], row["state"]) for row in told} == {("reflect", "lessons", "replied")}
    assert sum(map(looks_back, bodies)) == len(told)
    assert {row["purpose"] for row in run.rows()} >= {"write", "reflect"}


def test_it_is_shown_gains_and_losses_as_differences(reflected):
    run, bodies = reflected
    content = next(body for body in bodies if looks_back(body))["messages"][-1]["content"]
    shown = telling(outcomes_of(run.archive.database, run.run_id, 0, EVERY))
    assert 3 < len(shown) <= 3 * SHOWN
    for outcome in shown:
        assert f"Ticket {outcome.ticket}: " in content
    gained = next(each for each in shown if each.gain is not None and each.gain > 0)
    assert f"score {gained.before:.6g} became {gained.after:.6g}, {100 * gained.gain:.3g} % better" in content
    assert "author: Idea: move one constant" in content
    assert "\n-" in content
    assert "\n+" in content


def test_its_words_become_lessons_of_the_look_back_that_follows(reflected):
    run, _ = reflected
    words = [row for row in lessons(run.archive, run.run_id) if row["kind"] == "model"]
    first = [row for row in words if row["commit"] == 2 * EVERY]
    asked = reflections(run)[0]["ticket"]
    assert 0 < len(first) <= MOST_WORDS
    assert all(row["source"] == [asked] and row["evidence_for"] == row["evidence_against"] == 0 for row in first)
    assert all(row["text"].startswith("As ticket ") for row in first)


def test_later_authors_are_shown_them_and_what_they_cite_is_held_against_what_came_of_it(tmp_path):
    with OpenAIServer(["diff", "rewrite"] * 60, seed=6) as server:
        run = sit(new_run(tmp_path, server, evaluations=4 * EVERY))
        later = [body["messages"][-1]["content"] for body in server.bodies if not looks_back(body)][-5:]
    assert all("As ticket " in content and "# What earlier changes led to" in content for content in later)
    outcomes = outcomes_of(run.archive.database, run.run_id, 0, len(run.archive.tickets(run.run_id)))
    followed = {}
    for outcome in outcomes[: 4 * EVERY]:
        for number in cited_in(outcome.idea) if outcome.gain is not None else ():
            followed.setdefault(number, []).append(outcome)
    words = [row for row in lessons(run.archive, run.run_id) if row["kind"] == "model"]
    counted = {row["number"] for row in words if row["evidence_for"] + row["evidence_against"] > 0}
    assert counted == followed.keys() & {row["number"] for row in words} != set()
    for row in words:
        window = range(row["commit"] - EVERY, row["commit"])
        mine = [each for each in followed.get(row["number"], []) if each.ticket in window]
        if all(each.ticket >= window.start for each in followed.get(row["number"], [])):
            assert row["evidence_for"] == sum(each.gain > 0 for each in mine)
            assert row["evidence_against"] == sum(each.gain <= 0 for each in mine)


def test_a_run_without_lessons_asks_for_none_and_shows_none(tmp_path):
    with OpenAIServer(["diff", "rewrite"] * 40, seed=6) as server:
        run = sit(new_run(tmp_path, server, evaluations=EVERY + 12, lessons="off"))
        assert not any(map(looks_back, server.bodies))
        assert not any("What earlier changes led to" in str(body) for body in server.bodies)
    assert (reflections(run), lessons(run.archive, run.run_id)) == ([], [])


def test_a_replay_learns_and_shows_the_same_without_asking(reflected, tmp_path, monkeypatch):
    run, _ = reflected
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    target = open_archive(tmp_path / "replay.db", create=True)
    replayed = asyncio.run(replay(run.archive, run.run_id, target, run.problem, lanes_judge(3)))
    assert replayed.parting is None
    assert replayed.digest == archive_digest(run.archive, run.run_id)
    assert lessons(target, replayed.run_id) == lessons(run.archive, run.run_id)


def test_prompts_do_not_depend_on_who_is_ready_first(tmp_path):
    """Where a reply hangs on its prompt alone, all that is asked is the same, however the judge's time falls."""
    asked = []
    for slots in (1, 4):
        with OpenAIServer(["diff"]) as server:
            seen = server.admit

            def admit(*arguments, seen=seen):
                body = arguments[-2]
                return seen(*arguments)[0], compose("diff", body, Random(digest_of(body)))

            server.admit = admit
            folder = tmp_path / str(slots)
            folder.mkdir()
            run = sit(new_run(folder, server, evaluations=2 * EVERY + 4), lanes_judge(1, slots))
        asked.append(sorted((row["ticket"], row["turn"], row["hash"]) for row in run.rows()))
    assert asked[0] == asked[1]
    assert reflections(run)


@pytest.mark.parametrize("reply", ["prose", "http_500"])
def test_a_look_back_that_gives_nothing_ends_with_its_ticket_committed(tmp_path, reply):
    with OpenAIServer(["diff"], seed=6) as server:
        run = new_run(tmp_path, server, evaluations=EVERY + 10)
        seen = server.admit

        def admit(*arguments):
            script, server.script = server.script, (reply,) if looks_back(arguments[-2]) else server.script
            try:
                return seen(*arguments)
            finally:
                server.script = script

        server.admit = admit
        sit(run)
    told = reflections(run)
    assert len(told) == (1 + run.settings.models[0].retries if reply == "http_500" else 1)
    assert told[0]["outcome"] == ("http_500" if reply == "http_500" else "no_lessons")
    assert run.archive.ticket(run.run_id, told[0]["ticket"]).outcome == "ok"
    assert {row["kind"] for row in lessons(run.archive, run.run_id)} == {"change"}


def test_a_look_back_in_flight_at_a_kill_is_in_doubt_and_never_asked_again(reflected):
    run, bodies = reflected
    done = reflections(run)[0]
    task = run.again(done["ticket"], run.archive.ticket(run.run_id, done["ticket"]).draw)
    other = run.task()
    place = Place(other.ticket, TURN, "reflect")
    log = RequestLog(run.archive.database, run.run_id)
    log.send(place, 0, dict(done["body"]), "http://127.0.0.1:9", Reservation(9, None))
    assert task.ticket != other.ticket
    with OpenAIServer(["diff"]) as server:

        async def enter_again():
            async with run.proposer() as proposer:
                for each in (task, other):
                    await proposer.reflect(replace(each, visible=EVERY))

        asyncio.run(enter_again())
        assert server.requests == 0
    assert len(bodies) == len([row for row in run.rows() if row["state"] == "replied"])


def test_a_kill_while_a_look_back_is_asked_for_loses_no_ticket_and_asks_once(tmp_path):
    with OpenAIServer(["diff", "rewrite"] * 60, seed=6) as server:
        run = new_run(tmp_path, server)
        process = subprocess.Popen([sys.executable, str(SCRIPT), run.archive.database.address, run.run_id])
        server.on_request = lambda: None
        seen = server.admit

        def admit(*arguments):
            if looks_back(arguments[-2]):
                os.kill(process.pid, signal.SIGKILL)
            return seen(*arguments)

        server.admit = admit
        process.wait(timeout=120)
        server.admit = seen
        assert process.returncode == -signal.SIGKILL
        [cut] = reflections(run)
        assert cut["state"] == "sent"
        sit(run)
    told = reflections(run)
    assert [(row["ticket"], row["state"]) for row in told][:1] == [(cut["ticket"], "in_doubt")]
    assert len({row["ticket"] for row in told}) == len(told) >= 2
    assert run.archive.run(run.run_id).state == "finished"
    numbers = [ticket.number for ticket in run.archive.tickets(run.run_id) if ticket.outcome]
    assert numbers == list(range(len(numbers)))
    words = [row for row in lessons(run.archive, run.run_id) if row["kind"] == "model"]
    assert all(row["source"][0] != cut["ticket"] for row in words)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- Weigh the backlog by speed.\n* Hold large jobs back.\n3. Never look at index.", 3),
        ("Some prose first.\n- Weigh the backlog by speed.\nand after it", 1),
        ("- Weigh the backlog by speed.\n- weigh the backlog by speed\n- short", 1),
        ("<think>- Never say what you think aloud.</think>\n- Weigh the backlog by speed.", 1),
        ("\n".join(f"- lesson of number {n} {chr(97 + n) * 9}" for n in range(20)), MOST_WORDS),
        ("no list at all", 0),
        ("", 0),
    ],
)
def test_lessons_are_the_lines_of_a_list(text, found):
    parsed = parse_reflection(RawReply(text, "stop"))
    assert parsed.outcome == ("lessons" if found else "no_lessons")
    assert len(parsed.idea.split("\n")) == max(found, 1)


def test_a_line_that_was_cut_off_is_left_out():
    parsed = parse_reflection(RawReply("- Weigh the backlog by speed.\n- Hold large jobs ba", "length"))
    assert parsed.idea == "Weigh the backlog by speed."


@given(st.text(max_size=400))
def test_whatever_a_model_says_its_lessons_are_few_short_lines(text):
    parsed = parse_reflection(RawReply(text, None))
    found = parsed.idea.split("\n") if parsed.outcome == "lessons" else []
    assert len(found) <= MOST_WORDS
    assert all(0 < len(line) <= TEXT_CHARACTERS and line.isprintable() for line in found)
    assert len(words_of(text)) <= 1


def test_the_most_telling_outcomes_are_chosen_in_order():
    def outcome(ticket, before, after, detail=""):
        return Outcome(ticket, 0, "diff", "ok", None, None, "", "", detail, after, before)

    gains = [outcome(n, 1.0, 1.0 - n / 100) for n in range(1, 10)]
    losses = [outcome(n, 1.0, 1.0 + n / 100) for n in range(20, 30)]
    faults = [outcome(n, 1.0, None, "boom") for n in range(40, 50)]
    same = [outcome(60, 1.0, 1.0), outcome(61, None, None)]
    assert [each.ticket for each in telling([*faults, *gains, *same, *losses])] == [
        *range(5, 10),
        *range(25, 30),
        *range(45, 50),
    ]
    assert telling(same) == []


def test_a_book_of_a_database_that_has_none_is_empty(tmp_path):
    archive = open_archive(tmp_path / "none.db", create=True)
    with archive.database.read() as connection:
        assert book_of(connection, "nobody").lessons == {}
