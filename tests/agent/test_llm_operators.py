"""What each operator of the proposer ``llm`` asks for and makes of it, against a real HTTP server."""

import asyncio
from pathlib import Path
from random import Random

import pytest
from speciate.agent import Budget, Draw, Elite, Proposal, Task, archive_digest, open_archive, replay, search
from speciate.agent._constant_tuning import TUNE, relatives
from speciate.agent._grid import Grid, View
from speciate.agent._history import Past, Spent
from speciate.agent._ideas import IDEA, TURN, label_of, open_plan, plans_in, told, tried
from speciate.agent._literals import constants_of
from speciate.agent._llm_operators import ON_REQUEST, WEIGHTS
from speciate.agent._parsimony import code_size
from speciate.agent._proposer import ANEW, PEERS
from speciate.agent._replies import RawReply
from speciate.evaluators import Candidate, JudgeTask, ProblemRef, Status
from support.lanes import EARLIEST, SHORTEST
from support.llm_runs import LLMRun, judged, llm_run
from support.openai_server import OpenAIServer
from support.trusted import TrustedExecutor

LANES = ProblemRef(name=str(Path(__file__).parent.parent / "support" / "lanes.py"))
PLANS = """Here are my plans.

PLAN: slow lanes wait: hold small jobs back
  while the fast lane is nearly free.
**PLAN 2: Power of speed** - weigh the speed by a power.
3. Plan: slow lanes wait: the first one again
PLAN D: count jobs: prefer lanes with few jobs.
"""
CODE = "Idea.\n\n```python\ndef choose(job, yard):\n    return 1\n```\n"


def task(run: LLMRun, operator: str, **drawn) -> Task:
    number = len(run.archive.tickets(run.run_id))
    draw = Draw(**{"operator": operator, "parents": (0, 1), "seed": 1, "model": "m", **drawn})
    run.archive.issue(run.run_id, number, 0, "llm", draw)
    return run.again(number, draw)


def write(run: LLMRun, each: Task) -> Proposal:
    async def sitting() -> Proposal:
        async with run.proposer() as proposer:
            return await proposer.write(each)

    return asyncio.run(sitting())


def asked(server: OpenAIServer, number: int = -1) -> str:
    return server.bodies[number]["messages"][-1]["content"]


def test_crossing_shows_who_is_best_where(tmp_path):
    with OpenAIServer(["rewrite"], seed=3) as server:
        run = llm_run(tmp_path, server.base_url)
        proposal = write(run, task(run, "crossover"))
        words = asked(server)
    assert proposal.candidate is not None
    assert proposal.candidate.operator == "crossover"
    assert proposal.candidate.parents == tuple(Candidate.from_source(text).id for text in (EARLIEST, SHORTEST))
    for part in ("Program B:", SHORTEST, "train/load1: A 8, B 9; A is best", "say when each decides"):
        assert part in words
    assert "Other programs that work differently" not in words


@pytest.mark.parametrize("form", ["simplify", "rewrite"])
def test_variants_show_less_or_ask_for_the_mechanism(tmp_path, form):
    told_of = {}
    with OpenAIServer(["rewrite"], seed=3) as server:
        run = llm_run(tmp_path, server.base_url)
        for variant in ("full", "lean", "mechanism"):
            write(run, task(run, form, variant=variant))
            told_of[variant] = asked(server)
    assert "By workload, the worst first" in told_of["full"]
    assert "On its worst workload" in told_of["lean"]
    assert "First find the mechanism" in told_of["mechanism"]
    assert "First find the mechanism" not in told_of["full"]
    assert ("less code" in told_of["full"]) == (form == "simplify")


def test_plans_come_first_and_one_of_them_is_carried_out(tmp_path):
    with OpenAIServer(["verbatim"], sources=[PLANS, CODE]) as server:
        run = llm_run(tmp_path, server.base_url)
        mine = task(run, IDEA, extra={"pick": 4, "tried": []})
        proposal = write(run, mine)
        assert "Name 4 plans" in asked(server, 0)
        assert "What came of earlier plans" not in asked(server, 0)
        assert write(run, mine) == proposal
        assert server.requests == 2
        carried = asked(server, 1)
    plan = "Power of speed - weigh the speed by a power."
    assert proposal.reasons.rationale == plan
    assert plan in carried.partition("Carry out this plan")[2]
    assert "slow lanes wait" not in carried
    assert proposal.candidate is not None
    assert [(row["turn"], row["purpose"], row["outcome"]) for row in run.rows()] == [
        (TURN, "idea", "plans"),
        (0, "write", "rewrite"),
    ]


def test_a_later_ticket_writes_a_plan_that_was_left(tmp_path):
    with OpenAIServer(["verbatim"], sources=[PLANS, CODE, CODE]) as server:
        run = llm_run(tmp_path, server.base_url)
        asker = task(run, IDEA, extra={"pick": 0, "tried": []})
        write(run, asker)
        later = task(run, IDEA, extra={"plan": [asker.ticket, 2]})
        proposal = write(run, later)
        assert server.requests == 3
    assert proposal.reasons.rationale == "count jobs: prefer lanes with few jobs."


def test_what_came_of_earlier_plans_is_told_as_data(tmp_path):
    with OpenAIServer(["verbatim"], sources=[PLANS, CODE, PLANS, CODE]) as server:
        run = llm_run(tmp_path, server.base_url)
        first = task(run, IDEA, extra={"pick": 0, "tried": []})
        write(run, first)
        write(run, task(run, IDEA, extra={"pick": 0, "tried": [[first.ticket, 0, 12.5], [first.ticket, 1, None]]}))
        words = asked(server, 2).partition("# What came of earlier plans")[2]
    assert "BEGIN DATA" in words.partition("slow lanes wait: +12.5 % on its parent")[0]
    assert "Power of speed: no design that could be judged" in words


def test_a_design_that_comes_instead_of_plans_is_not_wasted(tmp_path):
    with OpenAIServer(["verbatim"], sources=[CODE]) as server:
        run = llm_run(tmp_path, server.base_url)
        proposal = write(run, task(run, IDEA, extra={"pick": 0, "tried": []}))
        assert server.requests == 1
    assert proposal.candidate is not None
    assert proposal.candidate.source.startswith("def choose")


def test_askings_for_plans_count_as_askings_of_the_ticket(tmp_path):
    with OpenAIServer(["verbatim"], sources=["No.", PLANS, "No.", CODE]) as server:
        run = llm_run(tmp_path, server.base_url, repairs=1)
        proposal = write(run, task(run, IDEA, extra={"pick": 0, "tried": []}))
        assert server.requests == 3
    assert proposal.candidate is None
    assert proposal.note.startswith("no_code")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (PLANS, ["slow lanes wait", "Power of speed", "count jobs"]),
        ("### Plan 1: Bind late.\nText.\n\nProse.\n### Plan 2: Steal work.\nText.", ["Bind late", "Steal work"]),
        ("<think>PLAN: not this: no</think>\nPLAN: this: yes", ["this"]),
        ("PLAN: a: b\n```python\nPLAN: c: d\n```", ["a"]),
        ("\n".join(f"PLAN: way {n}: text" for n in range(9)), [f"way {n}" for n in range(4)]),
        ("I plan to use a queue.\nAnd planning: is good.", []),
        (None, []),
    ],
)
def test_plans_are_found_in_any_dress(text, labels):
    assert [label_of(plan) for plan in plans_in(RawReply(text, "stop"))] == labels


def test_a_plan_is_bounded():
    [plan] = plans_in(RawReply(f"PLAN: {'word ' * 4000}", "stop"))
    assert len(plan) <= 700
    assert len(label_of(plan)) <= 80


def past(ticket: int, operator: str = IDEA, score: float | None = 9.0, **more) -> Past:
    known = {"model": "m", "variant": "", "island": None, "best": 5.0, "spent": Spent(None, 0, 0.0), "before": 10.0}
    known |= {"parents": (0,), "outcome": "ok", "result": "rejected", "extra": {}, **more}
    return Past(ticket=ticket, operator=operator, score=score, **known)


def plans_of(ticket: int) -> tuple[str, ...]:
    return {5: ("a: x", "b: y", "c: z"), 7: ("d: w",)}.get(ticket, ())


def test_each_plan_is_taken_once_whatever_is_under_way():
    asker = past(5, extra={"pick": 4})
    view = View(9, (), (asker,))
    assert open_plan(view, plans_of) == (5, 0)
    under_way = Draw(IDEA, (0,), 1, extra={"plan": [5, 0]})
    assert open_plan(View(9, (), (asker,), (under_way,)), plans_of) == (5, 2)
    both = (asker, past(8, extra={"plan": [5, 2]}))
    assert open_plan(View(9, (), both, (under_way,)), plans_of) is None
    assert open_plan(View(900, (), (asker,)), plans_of) is None
    failed = past(6, score=None, outcome="no_candidate", extra={"pick": 0})
    assert open_plan(View(9, (), (failed,)), plans_of) is None


def test_what_came_of_plans_is_the_best_and_the_latest():
    failed, worse = past(6, score=None, extra={"plan": [5, 1]}), past(7, score=12.0, extra={"pick": 3})
    history = [past(5, extra={"pick": 0}), failed, worse]
    rows = tried(history, plans_of)
    assert rows == [[5, 0, 10.0], [5, 1, None], [7, 0, -20.0]]
    assert told(rows, plans_of).splitlines()[0] == "a: +10.0 % on its parent"
    many = [past(5, extra={"pick": n % 3}, score=10.0 - n) for n in range(30)]
    assert len(tried(many, plans_of)) == 8


def draws(run: LLMRun, view: View, count: int = 300) -> list[Draw]:
    proposer = run.proposer()
    return [proposer.draw(view, Random(seed)) for seed in range(count)]


ELITES = (Elite(0, 0, 10.0), Elite(1, 1, 11.0), Elite(2, 2, 12.0))


def test_some_operators_are_drawn_on_request_alone(tmp_path):
    run = llm_run(tmp_path, None)
    assert {draw.operator for draw in draws(run, View(5, ELITES))} == set(WEIGHTS) - ON_REQUEST
    run.settings = run.settings.model_copy(update={"operators": tuple(WEIGHTS)})
    found = draws(run, View(5, ELITES))
    assert {draw.operator for draw in found} == set(WEIGHTS)
    assert all((draw.model is None) == (draw.operator == TUNE) for draw in found)


def test_operators_are_drawn_where_they_have_something_to_do(tmp_path):
    run = llm_run(tmp_path, None)
    run.settings = run.settings.model_copy(update={"operators": tuple(WEIGHTS)})
    assert {draw.operator for draw in draws(run, View(0, ()))} == {"rewrite", "diff", IDEA}
    assert {draw.operator for draw in draws(run, View(5, ELITES[:1]))} == set(WEIGHTS) - {"crossover"}
    asking = Draw(IDEA, (0,), 1, extra={"pick": 1, "tried": []})
    assert {draw.operator for draw in draws(run, View(5, ELITES, (), (asking,)))} == set(WEIGHTS) - {IDEA}
    numberless = past(4, TUNE, None, outcome="no_candidate")
    found = draws(run, View(5, ELITES[:1], (numberless,)))
    assert TUNE not in {draw.operator for draw in found}
    chosen = {"operators": ("crossover", "simplify")}
    run.settings = run.settings.model_copy(update=chosen)
    assert {draw.operator for draw in draws(run, View(9, ELITES))} == {"crossover", "simplify"}
    assert {draw.operator for draw in draws(run, View(0, ()), 40)} == {"crossover", "simplify"}
    assert all(draw.extra == {ANEW: True} for draw in draws(run, View(9, ELITES)) if draw.operator == "simplify")


def test_relatives_are_reached_by_numeric_changes_alone():
    chain = [
        past(1, "rewrite"),
        past(2, TUNE, parents=(1,)),
        past(3, "diff", parents=(2,)),
        past(4, "rewrite", parents=(3,)),
        past(5, TUNE, parents=(4,)),
        past(6, TUNE, parents=(2,), score=None),
        past(7, "tune", parents=(1,)),
    ]
    assert relatives(chain, 2) == [1, 3, 7]
    assert relatives(chain, 5) == [4]
    assert relatives(chain, 99) == []
    many = [past(1, "seed"), *(past(n, TUNE, parents=(1,), score=100.0 - n) for n in range(2, 200))]
    found = relatives(many, 1)
    assert len(found) == 40
    assert found[-1] == 199


def test_tuning_asks_no_model_and_moves_numbers_alone(tmp_path):
    with OpenAIServer(["rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url)
        proposal = write(run, task(run, TUNE, parents=(0,), model=None, extra={PEERS: []}))
        assert server.requests == 0
    assert proposal.candidate is not None
    both = Candidate.from_source(EARLIEST), proposal.candidate
    before, after = (constants_of(each, frozenset({"candidate.py"})) for each in both)
    assert before.skeleton == after.skeleton
    assert before.values != after.values

    async def repaired() -> Proposal | None:
        async with run.proposer() as proposer:
            mine = run.again(3, Draw(TUNE, (0,), 1))
            failed = judged(0, EARLIEST, 1.0).evaluation.model_copy(update={"status": Status.CRASHED, "score": None})
            return await proposer.repair(mine, 1, mine.parents[0].candidate, failed)

    assert asyncio.run(repaired()) is None


def test_an_equal_holder_gives_way_to_less_code_and_to_nothing_else():
    grid = Grid([])
    grid.place(Elite(0, 0, 5.0))
    assert grid.place(Elite(1, 0, 5.0)).result == "rejected"
    assert grid.place(Elite(2, 0, 5.0), lambda holder: False).result == "rejected"
    assert grid.place(Elite(3, 0, 5.0 + 1e-12), lambda holder: True).result == "rejected"
    assert grid.place(Elite(4, 0, 5.0, (1.0,)), lambda holder: True).result == "rejected"
    taken = grid.place(Elite(5, 0, 5.0), lambda holder: holder.ticket == 0)
    assert (taken.result, taken.replaced) == ("improved", Elite(0, 0, 5.0))


def test_code_is_counted_without_comments_and_names():
    long = Candidate.from_source('"""Doc."""\nthe_rate_of_all = 1  # why\nx = the_rate_of_all\n')
    assert code_size(long) == code_size(Candidate.from_source("r = 1\nx = r\n")) == 6


def lanes_judge(workers: int, seed: int):
    executor, rng = TrustedExecutor(), Random(seed)
    slots = asyncio.Semaphore(workers)

    async def judging(candidate, cache, *more, **words):
        async with slots:
            await asyncio.sleep(rng.random() * 0.003)
            return executor.submit(JudgeTask(problem=LANES, candidate=candidate), cache).result()

    return judging


def searched(run: LLMRun, judging) -> None:
    async def sitting() -> None:
        async with run.proposer() as proposer:
            await search(run.archive, run.run_id, run.problem, proposer, judging)

    asyncio.run(sitting())


def test_a_run_of_all_operators_writes_each_plan_once_and_replays(tmp_path):
    with OpenAIServer(["asked"], seed=5) as server:
        every = {"operators": tuple(WEIGHTS)}
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=60), chosen=every)
        searched(run, lanes_judge(4, 4))
        target = open_archive(tmp_path / "replay.db", create=True)
        requests = server.requests
        replayed = asyncio.run(replay(run.archive, run.run_id, target, run.problem))
        assert server.requests == requests
    assert replayed.parting is None
    assert replayed.digest == archive_digest(run.archive, run.run_id)
    tickets = [ticket for ticket in run.archive.tickets(run.run_id) if ticket.proposer == "llm"]
    assert {ticket.draw.operator for ticket in tickets} == set(WEIGHTS)
    ideas = [ticket for ticket in tickets if ticket.draw.operator == IDEA]
    written = [tuple(ticket.draw.extra["plan"]) for ticket in ideas if "plan" in ticket.draw.extra]
    askers = {ticket.number: ticket for ticket in ideas if "plan" not in ticket.draw.extra}
    own = [(number, ticket.draw.extra["pick"] % 4) for number, ticket in askers.items()]
    assert len(set(written + own)) == len(written) + len(own) > len(askers) >= 1
    for ticket in ideas:
        if "plan" in ticket.draw.extra:
            assert ticket.draw.parents == askers[ticket.draw.extra["plan"][0]].draw.parents
    purposes = [row["purpose"] for row in run.rows()]
    assert purposes.count("idea") == len(askers)
    tuned = [ticket for ticket in tickets if ticket.draw.operator == TUNE]
    assert not {row["ticket"] for row in run.rows()} & {ticket.number for ticket in tuned}
    assert any(ticket.draw.extra[PEERS] for ticket in tuned)


WORDY = '''POWER = 0.6
NEVER = 3


def unused(value):
    return value * NEVER + value


def choose(job, yard):
    best, least = 0, 1e300
    for lane in yard.lanes:
        score = lane.backlog + job.size / lane.speed**POWER
        if score < least:
            best, least = lane.index, score
    return best
'''


@pytest.mark.parametrize(("text", "result"), [(EARLIEST, "improved"), (f"{WORDY}x = 1\n", "rejected")])
def test_the_same_score_with_less_code_takes_the_niche(tmp_path, text, result):
    reply = f"Idea.\n\n```python\n{text}```\n"
    chosen = {"operators": ("simplify",), "window": 1}
    pasts = []

    async def judging(candidate, cache, *more, **words):
        pasts.append(cache)
        return TrustedExecutor().submit(JudgeTask(problem=LANES, candidate=candidate), cache).result()

    with OpenAIServer(["verbatim"], sources=[reply]) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=2), given=WORDY, chosen=chosen)
        searched(run, judging)
        target = open_archive(tmp_path / "replay.db", create=True)
        assert asyncio.run(replay(run.archive, run.run_id, target, run.problem)).parting is None
    # What behaves alike is known, and yet it is measured: only so it can be as good to the bit.
    assert [cache.behaviours for cache in pasts] == [True, False]
    first, second = run.archive.insertions(run.run_id)
    assert first.score == second.score
    assert second.result == result
    assert [elite.ticket for elite in run.archive.elites(run.run_id)] == [1 if result == "improved" else 0]
