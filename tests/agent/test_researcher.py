"""Researcher mode over real HTTP: a scripted model looks, experiments, writes down what it learnt, and hands in."""

import asyncio
import json
import re
from collections import Counter
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from speciate.agent import (
    EXPERIMENT,
    Budget,
    Draw,
    Laboratory,
    Parent,
    Reasons,
    Task,
    archive_digest,
    open_archive,
    replay,
    search,
    usage_summary,
)
from speciate.agent._answers import Answer
from speciate.agent._client import _refuses_tools
from speciate.agent._laboratory import Finding
from speciate.agent._replies import RawReply
from speciate.agent.researcher._messages import FULL, HISTORY_CHARACTERS, exchange, fitted
from speciate.agent.researcher._texts import ALARM, findings_text
from speciate.evaluators import Candidate, JudgeTask, ProblemRef, Status
from support.lanes import EARLIEST, SHORTEST, Lanes
from support.llm_runs import llm_run
from support.openai_server import OpenAIServer, digest_of
from support.scripted_researcher import HYPOTHESIS, WORKLOADS, Said, in_form
from support.trusted import TrustedExecutor

LANES = ProblemRef(name=str(Path(__file__).parent.parent / "support" / "lanes.py"))
TRAIN = tuple(workload.name for workload in Lanes(3).workloads("train"))
ONE = {"mode": "researcher", "window": 1}
"""Settings of a run whose three evaluations are the starting design and one ticket with its experiments."""


def judging(executor=None):
    executor = executor or TrustedExecutor()

    async def judge(candidate, cache, repetition=0, *, only=()):
        await asyncio.sleep(0)
        return executor.submit(JudgeTask(problem=LANES, candidate=candidate, only=only), cache).result()

    return judge


def sit(run, judge=None):
    async def sitting():
        async with run.proposer() as proposer:
            return await search(run.archive, run.run_id, run.problem, proposer, judge or judging())

    return asyncio.run(sitting())


RESEARCH = Draw("research", (0,), 1, model="m", extra={"experiments": 6})


def one(run, ticket=None):
    """Judge the starting design, and write one ticket for research on it."""
    sit(run)
    ticket = ticket or run.archive.issue(run.run_id, 1, 1, "llm", RESEARCH)
    start = run.archive.candidates_of(run.run_id, 0)[0].candidate
    parent = Parent(0, start, run.archive.evaluation_of(run.run_id, 0, 0).evaluation)
    laboratory = Laboratory(run.archive, run.run_id, ticket, judging(), TRAIN)
    task = Task(run.run_id, ticket.number, ticket.draw, (parent,), ticket.visible, laboratory)

    async def sitting():
        async with run.proposer() as proposer:
            return await proposer.write(task)

    return asyncio.run(sitting())


def author_of(*steps):
    """A model that says these things in turn, each words and calls, and gives up after them."""

    def speak(body):
        step = sum(message["role"] == "assistant" for message in body["messages"])
        text, calls = steps[step] if step < len(steps) else ("", [("give_up", {"reason": "that was all"})])
        return calls if isinstance(calls, Said) else in_form(text, calls, native="tools" in body)

    return speak


def answers(server, request=1):
    """What the tools had answered when this request was sent."""
    messages = server.bodies[request]["messages"]
    last = max(n for n, message in enumerate(messages) if message["role"] == "assistant")
    return "\n".join(message["content"] for message in messages[last + 1 :])


@pytest.mark.parametrize("behaviour", ["authored", "no_tools"])
def test_it_looks_experiments_compares_and_hands_in_a_better_design_with_what_it_learnt(tmp_path, behaviour):
    with OpenAIServer([behaviour]) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=6), chosen={**ONE, "window": 2})
        sit(run)
        bodies = server.bodies
    tickets = [ticket for ticket in run.archive.tickets(run.run_id) if ticket.proposer == "llm"]
    assert [ticket.draw.operator for ticket in tickets] == ["research"] * len(tickets)
    (first,) = run.archive.candidates_of(run.run_id, tickets[0].number)
    assert first.reasons.hypothesis == HYPOTHESIS
    found = r"POWER 0\.\d+ gave 1\.\d+ s and POWER \d\.\d+ gave 1\.\d+ s at load 0\.9\."
    assert re.fullmatch(found, first.reasons.insight)
    assert first.reasons.rationale == first.idea == "A job goes where it is done first; speed counts in full."
    seed = run.problem.seed()
    ours = run.archive.evaluation_of(run.run_id, tickets[0].number, 0).evaluation
    theirs = asyncio.run(judging()(seed, None))
    assert ours.score < theirs.score
    experiments = run.archive.experiments_of(run.run_id, tickets[0].number)
    assert [each.evaluation.labels for each in experiments] == [(f"workload:{name}",) for name in WORKLOADS * 2]
    refused = [row for row in run.rows() if row["outcome"] == "no_tools"]
    assert all(row["purpose"] == "research" for row in run.rows())
    # Each of the two tickets that are in flight at first may find out by itself; nobody asks with tools after that.
    assert (1 <= len(refused) <= 2) if behaviour == "no_tools" else not refused
    with_tools = sum("tools" in body for body in bodies)
    assert with_tools == (len(bodies) if behaviour == "authored" else len(refused))
    roles = {message["role"] for body in bodies for message in body["messages"]}
    assert ("tool" in roles) == (behaviour == "authored")
    words = json.dumps(bodies)
    assert "validation/" not in words
    assert "heldout/" not in words
    assert "your draft has 12 lines" in words


def test_it_works_without_tool_calls_where_a_model_is_asked_by_responses(tmp_path):
    with OpenAIServer(["authored"]) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=3), chosen=ONE, api="responses")
        sit(run)
        assert {entry.path for entry in server.log} == {"/v1/responses"}
    (record,) = run.archive.candidates_of(run.run_id, 1)
    assert record.reasons.hypothesis == HYPOTHESIS
    assert len(run.archive.experiments_of(run.run_id, 1)) == 4


@pytest.mark.parametrize(
    ("status", "error", "refused"),
    [
        (400, "m does not support tools", True),
        (404, "No endpoints found that support tool use", True),
        (500, "tools param requires --jinja flag", True),
        (400, "context length exceeded", False),
        (429, "too many tool calls for your tier", False),
        (401, "this key may not use tools", False),
    ],
)
def test_refusal_of_tools_is_told_from_others(status, error, refused):
    assert _refuses_tools(Answer("status", status, error=error)) == refused


def test_draft_may_stand_in_the_text_and_be_edited(tmp_path):
    code = SHORTEST.replace("WEIGHT * lane.backlog", "lane.backlog + job.size / lane.speed")
    edit = "<<<<<<< SEARCH\n        if score < least:\n=======\n        if score <= least:\n>>>>>>> REPLACE"
    steps = [
        (f"At first this:\n\n```python\n{code}```", [("draft", {})]),
        (edit, [("draft", {}), ("insight", {"text": "none yet"})]),
        ("", [("submit", {"rationale": "speed counts"})]),
    ]
    with OpenAIServer(["no_tools"], author=author_of(*steps)) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=2), chosen=ONE)
        sit(run)
    (record,) = run.archive.candidates_of(run.run_id, 1)
    assert record.candidate.source == code.replace("score < least", "score <= least")


def wild(*calls, text=""):
    return "", Said(text, calls)


def call(name, arguments, id_="call_0"):
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


RUN = {"design": "program", "workloads": [WORKLOADS[0]], "hypothesis": "it waits"}


GARBLED = [
    (("I would rather think.", []), "asks for no tool"),
    (("", []), "asks for no tool"),
    (("", [("shell", {"command": "rm -rf /"})]), "there is no tool 'shell'; expected one of: archive, design"),
    (("", [("run", {**RUN, "workloads": ["heldout/load0.9/seed1001"]})]), "expected workloads of train/load0.7"),
    (("", [("run", {**RUN, "workloads": ["validation/load0.9/seed101"]})]), "expected workloads of train/load0.7"),
    (("", [("run", {**RUN, "workloads": []})]), "run: workloads: List should have at least 1 item"),
    (("", [("run", {**RUN, "workloads": "all"})]), "run: workloads: Input should be a valid list"),
    (("", [("run", {**RUN, "hypothesis": " "})]), "run: hypothesis: String should have at least 1 character"),
    (("", [("run", {**RUN, "design": "draft"})]), "you have no draft yet"),
    (("", [("run", {**RUN, "split": "heldout"})]), "run: split: Extra inputs are not permitted"),
    (("", [("design", {"design": 99})]), "ticket 99 is not among those you may look at"),
    (("", [("design", {"design": -1})]), "design: design"),
    (("", [("draft", {"code": "def choose(job:"})]), "no draft: it could not be judged (invalid)"),
    (("", [("draft", {"code": "import os\n"})]), "no draft: it could not be judged (invalid)"),
    (("", [("draft", {"code": EARLIEST})]), "no draft: it is the program to improve"),
    (("", [("draft", {"code": "x" * 70_000})]), "draft: code: String should have at most 64000 characters"),
    (("", [("draft", {})]), "no draft: the reply was empty"),
    (("", [("submit", {"rationale": "good"})]), "there is no draft"),
    (("", [("insight", {"text": "a\0b"})]), "kept"),
    (("", [("insight", {"text": "a\ud800"})]), "insight: text: Input should be a valid string"),
    (wild(call("run", "{")), "expected JSON as the arguments"),
    (wild(call("run", "[1]")), "expected an object as the arguments"),
    (wild(call("run", "[" * 100_000)), "expected JSON as the arguments"),
    (wild(call("a\ud800\0" * 50, "{}")), "there is no tool"),
    (wild(call("archive", "{}"), call("archive", "{}")), "niches are held"),
    (wild({"id": 7}, {"function": {"name": ["x"], "arguments": 3}}, "x"), "there is no tool ''"),
    (wild(call("archive", {"a": 1})), "archive: a: Extra inputs are not permitted"),
    (wild(*[call("archive", "{}", str(n)) for n in range(40)]), "not done: at most 6 calls in a reply"),
    (wild(text="```tool\n{nonsense\n```"), "expected JSON in the block `tool`"),
    (wild(text="```tool\n[1, 2]\n```"), "expected an object"),
    (wild(text='{"tool": "archive"}'), "niches are held"),
    (wild(text='```json\n[{"tool": "archive"}, {"tool": "nothing"}]\n```'), "there is no tool 'nothing'"),
    (("", [("draft", {"code": SHORTEST}), ("draft", {"code": EARLIEST + "\n# again\n"})]), "is the program to im"),
]
"""What a model says, and what it is told; in one conversation, so that no draft stands before the last one's."""


def test_garbled_and_hostile_calls_are_answered_in_words_and_the_conversation_goes_on(tmp_path):
    chosen = {**ONE, "research": {"replies": len(GARBLED) + 1}}
    with OpenAIServer(["authored"], author=author_of(*(said for said, _ in GARBLED))) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=1), chosen=chosen)
        proposal = one(run)
        assert server.requests == len(GARBLED) + 1
        for step, (said, told) in enumerate(GARBLED):
            assert told in answers(server, step + 1), said
    assert proposal.candidate is None
    assert proposal.note.startswith("gave up: that was all")
    assert run.archive.evaluations(run.run_id, purpose=EXPERIMENT) == []


def test_what_is_learnt_is_kept_when_nothing_is_handed_in(tmp_path):
    steps = [("", [("run", RUN), ("insight", {"text": "the slow lane is idle"})])]
    with OpenAIServer(["authored"], author=author_of(*steps)) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=1), chosen=ONE)
        proposal = one(run)
        again = one(run, run.archive.ticket(run.run_id, 1))
        assert server.requests == 2, "nothing is asked twice"
    assert proposal == again
    assert proposal.reasons == Reasons(hypothesis="it waits", insight="the slow lane is idle")
    assert proposal.note == "gave up: that was all\ninsight: the slow lane is idle"
    assert "as good as the best starting design" in answers(server), "a starting design's measurement is known"


def test_replies_are_bounded_and_the_last_draft_is_handed_in(tmp_path):
    def speak(body):
        step = sum(message["role"] == "assistant" for message in body["messages"])
        draft = SHORTEST.replace("1.0", f"{step + 2}.0")
        calls = [("draft", {"code": draft}), *[("design", {"design": "program"})] * 4]
        return in_form("word " * 4000, calls, native="tools" in body)

    chosen = {**ONE, "research": {"replies": 14}}
    with OpenAIServer(["authored"], author=speak) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=1), chosen=chosen)
        proposal = one(run)
        assert server.requests == 14
        assert "One reply and 6 experiments are left. Hand in your draft" in answers(server, 13)
        sizes = [len(json.dumps(body["messages"][2:])) for body in server.bodies]
    assert proposal.candidate.source == SHORTEST.replace("1.0", "15.0")
    assert max(sizes) < HISTORY_CHARACTERS + 10_000
    assert sizes[-1] - sizes[-3] < sizes[2] - sizes[0]


@pytest.mark.parametrize("memory", ["best", "start"])
def test_control_arm_sees_no_more_than_its_draws_do(tmp_path, memory):
    steps = [("", [("archive", {}), ("design", {"design": 1})])]
    with OpenAIServer(["authored"], author=author_of(*steps)) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=1), chosen={**ONE, "memory": memory})
        run.archive.issue(run.run_id, 1, 1, "llm", RESEARCH)
        run.archive.store_candidate(run.run_id, 1, 0, run.problem.seed(), "")
        one(run, run.archive.issue(run.run_id, 2, 1, "llm", RESEARCH))
        assert "ticket 1 is not among those you may look at: 0" in answers(server)


def test_how_a_cheat_was_noticed_is_not_told():
    finding = Finding(WORKLOADS[0], Status.CHEATED, None, "better than the proven bound 3.2")
    told = findings_text([(finding, None)], Lanes(1).objective, {})
    assert told == f"{WORKLOADS[0]}: {ALARM}"


def test_conversation_that_grows_too_long_is_shortened_from_its_beginning_and_no_quotation_is_left_open():
    quoted = "BEGIN DATA 12ab\n```\n" + "x\n" * 20_000 + "```\nEND DATA 12ab"
    said_ = [exchange(RawReply("text", "stop"), [], [f"head {n}\n\n{quoted}"], "left") for n in range(6)]
    found = list(fitted(said_))
    assert len(found) == 12
    assert found[-2 * FULL :] == [message for each in said_[-FULL:] for message in each]
    assert found[1]["content"].startswith("error: head 0") or found[1]["content"].startswith("head 0")
    assert "BEGIN DATA" not in found[1]["content"]
    assert found[1]["content"].endswith("left")


class KilledError(Exception):
    """Stands for the end of the process."""


@contextmanager
def ended_after(archive, writes):
    """Let so many transactions come to their end, and none after them: as a process that is killed between two."""
    write, done = archive.database.write, count()

    @contextmanager
    def counted():
        if next(done) >= writes:
            raise KilledError
        with write() as connection:
            yield connection

    archive.database.write = counted
    try:
        yield
    finally:
        del archive.database.write


def test_killed_between_any_two_rows_nothing_is_asked_or_measured_twice(tmp_path):
    draft = ("draft", {"code": SHORTEST.replace("1.0", "1.5")})
    tried = ("run", {**RUN, "design": "draft", "workloads": list(WORKLOADS)})
    ended_with = [("insight", {"text": "so it is"}), ("submit", {"rationale": "it is better"})]
    speak = author_of(("", [draft, tried]), ("", ended_with))
    whole = None
    for writes in count(3):
        folder = tmp_path / str(writes)
        folder.mkdir()
        with OpenAIServer(["authored"], author=speak) as server:
            run = llm_run(folder, server.base_url, budget=Budget(evaluations=3), chosen=ONE)
            executor, ended = TrustedExecutor(), False
            with ended_after(run.archive, writes):
                try:
                    sit(run, judging(executor))
                    ended = True
                except KilledError:
                    pass
            sit(run, judging(executor))
            rows, requests = run.rows(), server.requests
        unsent = len(rows) - requests
        assert unsent in (0, 1), "each row was sent once, but for one that was written right before the end"
        doubtful = [row for row in rows if row["state"] == "in_doubt"]
        assert len(doubtful) <= 1
        assert unsent <= len(doubtful)
        assert all(row["state"] == "replied" for row in rows if row not in doubtful)
        for row in doubtful:
            last = max(each["attempt"] for each in rows if each["ticket"] == row["ticket"])
            assert row["attempt"] == last, "what is in doubt is not asked again"
        made = run.archive.evaluations(run.run_id, purpose=EXPERIMENT)
        assert len({(each.ticket, each.evaluation.candidate, each.evaluation.labels) for each in made}) == len(made)
        assert all(ticket.outcome is not None for ticket in run.archive.tickets(run.run_id))
        if not doubtful:
            found = archive_digest(run.archive, run.run_id)
            whole = whole or found
            assert found == whole, f"ended after {writes} writes"
            assert (len(rows), len(made)) == (2, 2)
        run.archive.close()
        if ended:
            break
    assert writes > 15


def test_mixed_run_with_faults_replays_from_its_rows_and_asks_nobody(tmp_path, monkeypatch):
    def speak(body):
        opening = body["messages"][1]["content"]
        design = EARLIEST.replace("0.6", f"0.{int(digest_of({'opening': opening})[:6], 16)}")
        if "# Your means" not in opening:
            return Said(f"Better:\n\n```python\n{design}```")
        tried = ("run", {**RUN, "design": "draft"})
        ended = [("insight", {"text": "so it is"}), ("submit", {"rationale": "it is better"})]
        return author_of(("", [("draft", {"code": design}), tried]), ("", ended))(body)

    script = ["authored"] * 4 + ["http_500", "http_429"] + ["authored"] * 5 + ["no_content", "drop"]
    chosen = {"mode": "mixed", "window": 3, "research": {"share": 0.5}}
    with OpenAIServer(script * 40, retry_after_s=0.0, author=speak) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=9), chosen=chosen)
        sit(run)
        asked = server.requests
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        target = open_archive(tmp_path / "replay.db", create=True)
        replayed = asyncio.run(replay(run.archive, run.run_id, target, run.problem))
        again = asyncio.run(replay(run.archive, run.run_id, target, run.problem, judging()))
        assert server.requests == asked
    assert {ticket.draw.operator for ticket in run.archive.tickets(run.run_id)} > {"seed", "research"}
    assert replayed.parting is None
    assert again.parting is None
    assert replayed.digest == archive_digest(run.archive, run.run_id)
    assert {"write", "research"} <= {row["purpose"] for row in run.rows()} <= {"write", "idea", "research"}
    copied = target.evaluations(replayed.run_id, purpose=EXPERIMENT)
    assert len(copied) == len(run.archive.evaluations(run.run_id, purpose=EXPERIMENT)) > 0


def test_research_that_the_tokens_cut_short_hands_in_its_draft_and_replays(tmp_path):
    steps = [("", [("draft", {"code": SHORTEST})]), *[("x" * 3000, [("design", {"design": "draft"})])] * 12]
    with OpenAIServer(["authored"], author=author_of(*steps)) as server:
        budget = Budget(evaluations=9, tokens=120_000)
        run = llm_run(tmp_path, server.base_url, budget=budget, chosen=ONE)
        outcome = sit(run)
        billed = server.tokens
    usage = usage_summary(run.archive.database, run.run_id).total
    assert billed <= usage.charged_tokens <= 120_000
    assert "tokens are charged" in outcome.reason
    last = run.archive.tickets(run.run_id)[-1]
    assert (last.outcome, run.archive.candidates_of(run.run_id, last.number)[0].candidate.source) == ("ok", SHORTEST)
    target = open_archive(tmp_path / "replay.db", create=True)
    assert asyncio.run(replay(run.archive, run.run_id, target, run.problem)).parting is None


def test_evaluations_hold_with_experiments_in_them(tmp_path):
    with OpenAIServer(["authored"]) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=7), chosen={"mode": "researcher"})
        outcome = sit(run)
    experiments = len(run.archive.evaluations(run.run_id, purpose=EXPERIMENT))
    assert outcome.state == "finished"
    assert experiments > 0
    assert outcome.evaluations * len(TRAIN) + experiments <= 7 * len(TRAIN)
    assert Counter(row["outcome"] for row in run.rows()).keys() == {"tools"}


def test_draft_that_the_run_has_had_is_called_by_its_ticket(tmp_path):
    steps = [("", [("draft", {"code": SHORTEST})])]
    with OpenAIServer(["authored"], author=author_of(*steps)) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=1), chosen=ONE)
        sit(run)
        for number in (1, 2):
            run.archive.issue(run.run_id, number, number, "llm", RESEARCH)
            run.archive.store_candidate(run.run_id, number, 0, Candidate.from_source(f"{SHORTEST}\n# {number}\n"), "")
        one(run, run.archive.issue(run.run_id, 3, 2, "llm", RESEARCH))
        assert "it is the design of ticket 1, which was judged before" in answers(server)
