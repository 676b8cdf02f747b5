"""The history that draws learn from: kept up at each commit, and the same when it is read back, resumed or replayed."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from scripted_proposer import ScriptedProposer
from speciate.agent import (
    GIVEN,
    NO_CANDIDATE,
    Budget,
    GeneticProposer,
    RunSettings,
    create_run,
    open_archive,
    replay,
    search,
)
from speciate.agent import _history as history_module
from speciate.agent import _loop as loop_module
from speciate.agent._history import HISTORY
from speciate.agent._loop import Search
from speciate.evaluators import Cost, JudgeTask, ProblemRef
from support.llm_runs import llm_run
from support.noisy import NoisyRouting, noisy_judge
from support.openai_server import OpenAIServer
from support.trusted import TrustedExecutor
from synthetic_problem import RoutingProblem, judge

PROBLEM = RoutingProblem()
LANES = ProblemRef(name=str(Path(__file__).parent.parent / "support" / "lanes.py"))
STARTERS = [PROBLEM.seed(), *(baseline.candidate for baseline in PROBLEM.baselines())]


def new_run(path, evaluations=25, problem=PROBLEM, **settings):
    archive = open_archive(path, create=True)
    chosen = RunSettings(problem=ProblemRef(name=PROBLEM.name), budget=Budget(evaluations=evaluations), **settings)
    return archive, create_run(archive, chosen, problem, STARTERS)


def spending(judging=judge, start=0):
    """A judge whose every word cost other CPU seconds, as any clock's do."""
    told = start

    async def judge_at_a_price(candidate, cache, repetition=0):
        nonlocal told
        told += 1
        word = judging(candidate, cache, repetition) if repetition else judging(candidate, cache)
        return word.model_copy(update={"cost": Cost(cpu_s=float(told))})

    return judge_at_a_price


async def lanes_judge(candidate, cache, repetition=0):
    return TrustedExecutor().submit(JudgeTask(problem=LANES, candidate=candidate), cache).result()


def sitting(archive, run_id, proposer=None, judging=None, problem=PROBLEM):
    run = Search(archive, run_id, problem, proposer or ScriptedProposer(), judging or spending(), lambda event: None)
    asyncio.run(run.run())
    return run._history.seen


def read_back(archive, run_id, problem=PROBLEM):
    run = Search(archive, run_id, problem, ScriptedProposer(), spending(), lambda event: None)
    run._load()
    return run._history.seen


def test_history_says_what_every_ticket_was_and_came_to(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db", repairs=2)
    seen = sitting(archive, run_id)
    tickets, log = archive.tickets(run_id), {entry.ticket: entry for entry in archive.insertions(run_id)}
    progress = archive.progress(run_id)
    assert [past.ticket for past in seen] == [ticket.number for ticket in tickets]
    for past, ticket in zip(seen, tickets, strict=True):
        entry, draw = log.get(past.ticket), ticket.draw
        assert (past.operator, past.model, past.parents, past.outcome) == (
            draw.operator,
            draw.model,
            draw.parents,
            ticket.outcome,
        )
        assert (past.score, past.result) == ((entry.score, entry.result) if entry else (None, None))
        assert past.before == (log[draw.parents[0]].score if draw.parents else None)
        assert past.best == (progress[past.ticket - 1].best if past.ticket else None)
        words = [word for word in archive.evaluations(run_id) if word.ticket == past.ticket]
        assert past.spent == (0.0, 0, sum(word.evaluation.cost.cpu_s for word in words))
    assert {NO_CANDIDATE, "ok", "crashed", "duplicate"} <= {past.outcome for past in seen}
    assert {"new", "improved", "rejected", None} == {past.result for past in seen}


@pytest.mark.parametrize("settings", [{}, {"islands": {"count": 3, "migrate": 8}}])
def test_history_read_back_from_the_rows_is_the_one_kept_up(tmp_path, settings):
    archive, run_id = new_run(tmp_path / "runs.db", **settings)
    seen = sitting(archive, run_id, GeneticProposer(PROBLEM))
    assert read_back(archive, run_id) == seen
    drawn = [past for past in seen if archive.ticket(run_id, past.ticket).proposer != GIVEN]
    assert [past.island for past in drawn] == [past.ticket % 3 if settings else None for past in drawn]


def test_history_of_a_noisy_run_is_read_back_though_its_best_may_rise(tmp_path):
    problem = NoisyRouting()
    archive, run_id = new_run(tmp_path / "runs.db", 40, problem)
    seen = sitting(archive, run_id, GeneticProposer(PROBLEM), spending(noisy_judge), problem)
    assert read_back(archive, run_id, problem) == seen
    best = [past.best for past in seen[1:]]
    assert any(later > earlier for earlier, later in pairwise(best))


class Watching(ScriptedProposer):
    """Notes what history each of its draws saw."""

    def __init__(self):
        super().__init__()
        self.saw = {}

    def draw(self, view, rng):
        self.saw[len(self.saw)] = (view.commits, [past._replace(spent=None) for past in view.history])
        return super().draw(view, rng)


def test_a_draw_sees_the_history_of_the_commits_it_sees_also_after_a_kill(tmp_path):
    whole, cut = Watching(), Watching()
    archive, run_id = new_run(tmp_path / "whole.db")
    sitting(archive, run_id, whole)
    assert [len(told) for _, told in whole.saw.values()] == [commits for commits, _ in whole.saw.values()]

    async def failing(candidate, cache, repetition=0):
        if len(other.evaluations(other_id)) >= 12:
            raise OSError("cut off")
        return judge(candidate, cache)

    other, other_id = new_run(tmp_path / "cut.db")
    with pytest.raises(OSError, match="cut off"):
        sitting(other, other_id, cut, failing)
    sitting(other, other_id, cut)
    assert cut.saw == whole.saw


def test_history_is_the_same_in_a_replay_that_judges_again(tmp_path):
    archive, run_id = new_run(tmp_path / "runs.db")
    seen = sitting(archive, run_id, GeneticProposer(PROBLEM))
    target = open_archive(tmp_path / "replay.db", create=True)
    replayed = asyncio.run(replay(archive, run_id, target, PROBLEM, spending(start=1000)))
    assert replayed.parting is None
    assert read_back(target, replayed.run_id) == seen


def test_history_is_no_longer_than_its_bound(tmp_path, monkeypatch):
    archive, run_id = new_run(tmp_path / "runs.db")
    whole = sitting(archive, run_id)
    assert len(whole) < HISTORY
    for module in (history_module, loop_module):
        monkeypatch.setattr(module, "HISTORY", 7)
    assert read_back(archive, run_id) == whole[-7:]
    short, short_id = new_run(tmp_path / "short.db")
    assert sitting(short, short_id) == whole[-7:]


@pytest.mark.parametrize("price", [2.0, None])
def test_history_counts_what_a_ticket_asked_of_models_and_so_does_its_replay(tmp_path, price):
    prices = {"usd_per_million_input": price, "usd_per_million_output": price}
    behaviours = ["rewrite", "prose", "diff", "truncated", "http_500", "no_usage", "diff", "fenced", "rewrite"]
    with OpenAIServer(behaviours, retry_after_s=0.0) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(evaluations=8), **prices)

        async def searched():
            async with run.proposer() as proposer:
                await search(run.archive, run.run_id, run.problem, proposer, lanes_judge)

        asyncio.run(searched())
    seen = read_back(run.archive, run.run_id, run.problem)
    asked = {past.ticket: [row for row in run.rows() if row["ticket"] == past.ticket] for past in seen}
    assert max(map(len, asked.values())) > 1
    for past in seen:
        tokens = [
            row["reserved_tokens"] if row["prompt_tokens"] is None else row["prompt_tokens"] + row["completion_tokens"]
            for row in asked[past.ticket]
        ]
        assert past.spent.tokens == sum(tokens)
        if price is None and tokens:
            assert past.spent.usd is None
        else:
            assert past.spent.usd == pytest.approx(sum(tokens) * 2.0 / 1e6)
    assert any(row["prompt_tokens"] is None for row in run.rows())
    target = open_archive(tmp_path / "replay.db", create=True)
    replayed = asyncio.run(replay(run.archive, run.run_id, target, run.problem))
    assert read_back(target, replayed.run_id, run.problem) == seen
