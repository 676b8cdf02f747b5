"""Several models: each at its own endpoint, in its own format, at its own pace and in its own role."""

import asyncio
import threading
from random import Random

import pytest
from speciate.agent import Budget, ModelError, ModelSettings, Proposal, usage_summary
from speciate.agent._grid import View
from speciate.evaluators import Candidate, SpeciateError, Status
from support.llm_runs import KEY, LLMRun, failed, llm_run
from support.openai_server import OpenAIServer

BROKEN = Candidate.from_source("def choose(job, yard):\n    return 1 / 0.0\n")
FAULT = failed(BROKEN, Status.CRASHED, "ZeroDivisionError: float division by zero, line 2")


def write(run: LLMRun, models: list[str], operator: str = "rewrite") -> list[Proposal]:
    """Write a new ticket for each of ``models``, all at once, in one sitting."""

    async def sitting() -> list[Proposal]:
        async with run.proposer({"OPENAI_API_KEY": KEY, "OTHER_KEY": "other"}) as proposer:
            tasks = [run.task(operator, model=name, seed=number) for number, name in enumerate(models)]
            return list(await asyncio.gather(*(proposer.write(task) for task in tasks)))

    return asyncio.run(sitting())


def test_two_endpoints_are_asked_at_once_each_with_its_own_key(tmp_path):
    here, there = threading.Event(), threading.Event()
    with OpenAIServer(["rewrite"], key=KEY) as first, OpenAIServer(["diff"], key="other") as second:

        def meet(mine: threading.Event, other: threading.Event) -> None:
            mine.set()
            assert other.wait(30), "the other endpoint is not asked meanwhile"

        first.on_request = lambda: meet(here, there)
        second.on_request = lambda: meet(there, here)
        other = ModelSettings(name="n", base_url=second.base_url, api_key_env="OTHER_KEY")
        run = llm_run(tmp_path, first.base_url, others=[other], timeout_s=60)
        proposals = write(run, ["m", "n"])
        assert all(proposal.candidate for proposal in proposals)
        assert [entry.model for entry in (*first.log, *second.log)] == ["m", "n"]
    assert {(row["model"], row["base_url"]) for row in run.rows()} == {("m", first.base_url), ("n", second.base_url)}
    assert set(usage_summary(run.archive.database, run.run_id).models) == {"m", "n"}


def test_one_endpoint_waits_for_its_minute_and_the_other_does_not(tmp_path):
    with OpenAIServer(["rewrite"]) as slow, OpenAIServer(["rewrite"]) as fast:
        run = llm_run(
            tmp_path,
            slow.base_url,
            requests_per_minute=2,
            concurrency=1,
            others=[ModelSettings(name="n", base_url=fast.base_url)],
        )
        sent: list[float] = []
        slow.on_request = lambda: sent.append(run.now)
        write(run, ["n"] * 3)
        assert (fast.requests, run.slept) == (3, [])
        proposals = write(run, ["m"] * 5)
    assert all(proposal.candidate for proposal in proposals)
    assert sent == [0.0, 0.0, 60.0, 60.0, 120.0]


def test_retries_keep_to_the_pace_too(tmp_path):
    with OpenAIServer(["http_500", "http_500", "rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url, requests_per_minute=1)
        sent: list[float] = []
        server.on_request = lambda: sent.append(run.now)
        write(run, ["m"])
    assert sent == pytest.approx([0.0, 60.0, 120.0])


def test_no_more_requests_are_at_an_endpoint_than_it_allows(tmp_path):
    with OpenAIServer(["rewrite"], delay_s=0.02) as server:
        run = llm_run(tmp_path, server.base_url, concurrency=2)
        open_rows: list[int] = []
        server.on_request = lambda: open_rows.append([row["state"] for row in run.rows()].count("sent"))
        write(run, ["m"] * 6)
    assert len(open_rows) == 6
    assert max(open_rows) <= 2


@pytest.mark.parametrize("at_once", [1, 6])
@pytest.mark.parametrize("limit", [Budget(tokens=60_000), Budget(usd=0.15)])
def test_budgets_hold_over_two_endpoints_formats_paces_and_cached_prices(tmp_path, at_once, limit):
    script = ["rewrite", "no_usage", "http_500", "rewrite", "drop", "mixed"]
    with OpenAIServer(script, seed=2, hang_s=0.3) as chat, OpenAIServer(script, seed=3, hang_s=0.3) as responses:
        prices = {"usd_per_million_input": 2.0, "usd_per_million_cached_input": 0.5, "usd_per_million_output": 10.0}
        other = ModelSettings(
            name="n", base_url=responses.base_url, api="responses", timeout_s=30, max_completion_tokens=800,
            concurrency=2, **prices,
        )  # fmt: skip
        paced = {"requests_per_minute": 5, "tokens_per_minute": 20_000, "max_completion_tokens": 800}
        run = llm_run(tmp_path, chat.base_url, budget=limit, others=[other], **paced, **prices)

        async def sitting() -> str | None:
            async with run.proposer() as proposer:
                for number in range(60):
                    if proposer.exhausted() is not None:
                        break
                    tasks = [run.task(model="mn"[(number + n) % 2], seed=number) for n in range(at_once)]
                    await asyncio.gather(*(proposer.write(task) for task in tasks))
                return proposer.exhausted()

        assert asyncio.run(sitting()) is not None
        entries = [*chat.log, *responses.log]
        tokens = chat.tokens + responses.tokens
        usd = sum((e.prompt_tokens - e.prompt_tokens // 8) * 2e-6 + e.prompt_tokens // 8 * 5e-7 for e in entries)
        usd += sum(e.completion_tokens * 1e-5 for e in entries)
    total = usage_summary(run.archive.database, run.run_id).total
    assert chat.requests > 0 < responses.requests
    assert total.requests == len(entries)
    assert total.charged_usd is not None
    if limit.tokens is not None:
        assert tokens <= total.charged_tokens <= limit.tokens
    else:
        assert usd <= total.charged_usd + 1e-9
        assert total.charged_usd <= 0.15


def repaired(run: LLMRun, ticket_model: str, seed: int = 1) -> Proposal | None:
    """Mend a broken candidate of a new ticket, twice over: the second time from the rows."""
    task = run.task(model=ticket_model, seed=seed)

    async def sitting() -> Proposal | None:
        async with run.proposer() as proposer:
            return await proposer.repair(task, 1, BROKEN, FAULT)

    first = asyncio.run(sitting())
    assert asyncio.run(sitting()) == first
    return first


def test_a_cheap_model_drafts_and_a_strong_one_repairs(tmp_path):
    with OpenAIServer(["rewrite"]) as cheap, OpenAIServer(["rewrite"]) as strong:
        run = llm_run(
            tmp_path,
            cheap.base_url,
            roles=("draft",),
            others=[ModelSettings(name="strong", base_url=strong.base_url, roles=("repair",))],
        )
        write(run, ["m"])
        mended = repaired(run, "m")
        assert mended is not None
        assert mended.candidate is not None
        assert (cheap.requests, strong.requests) == (1, 1)
        assert [(row["ticket"], row["turn"], row["model"]) for row in run.rows()] == [(1, 0, "m"), (2, 1, "strong")]
        assert run.archive.ticket(run.run_id, 2).draw.model == "m"

        assert {run.proposer().draw(View(0, ()), Random(seed)).model for seed in range(20)} == {"m"}


def test_who_may_repair_repairs_its_own_and_of_several_others_the_seed_chooses(tmp_path):
    with OpenAIServer(["rewrite"]) as server:
        others = [ModelSettings(name=name, base_url=server.base_url) for name in ("n", "o")]
        run = llm_run(tmp_path, server.base_url, roles=("draft",), others=others)
        repaired(run, "n")
        for seed in range(4):
            repaired(run, "m", seed)
    assert [row["model"] for row in run.rows()] == ["n", "n", "o", "n", "o"]


def test_where_no_model_repairs_the_drafter_does(tmp_path):
    with OpenAIServer(["rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url, roles=("draft",))
        repaired(run, "m")
    assert [row["model"] for row in run.rows()] == ["m"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"roles": ("repair",)}, "expected a model with the role draft"),
        ({"operators": {"dif": {"effort": "low"}}}, "expected operators from .*diff.*repair.*, got 'dif'"),
    ],
)
def test_models_that_cannot_be_meant_are_refused(tmp_path, model, words):
    with pytest.raises(SpeciateError, match=words):
        llm_run(tmp_path, "http://127.0.0.1:9/v1", **model).proposer()


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_temperature_and_effort_are_the_operators_own_or_the_models(tmp_path, api):
    with OpenAIServer(["rewrite", "diff", "rewrite"]) as server:
        run = llm_run(
            tmp_path,
            server.base_url,
            api=api,
            temperature=0.9,
            effort="low",
            operators={"diff": {"temperature": 0.1}, "repair": {"effort": "high"}},
        )
        write(run, ["m"])
        write(run, ["m"], "diff")
        repaired(run, "m")
        bodies = server.bodies
    efforts = [body["reasoning_effort"] if api == "chat" else body["reasoning"]["effort"] for body in bodies]
    assert [body["temperature"] for body in bodies] == [0.9, 0.1, 0.9]
    assert efforts == ["low", "low", "high"]


@pytest.mark.parametrize(
    ("behaviour", "outcomes"),
    [
        ("diff", ["diff"]),
        ("rewrite", ["rewrite"]),
        ("no_usage", ["rewrite"]),
        ("prose", ["no_code", "rewrite"]),
        ("truncated", ["truncated", "rewrite"]),
        ("no_choices", ["no_choices", "rewrite"]),
        ("no_content", ["empty", "rewrite"]),
        ("refusal", ["empty", "rewrite"]),
        ("failed", ["bad_body", "rewrite"]),
        ("http_429", ["http_429", "rewrite"]),
        ("http_500", ["http_500", "rewrite"]),
        ("drop", ["connection", "rewrite"]),
        ("bad_json", ["bad_body", "rewrite"]),
    ],
)
def test_responses_are_read_as_chat_completions_are_and_again_from_their_rows(tmp_path, behaviour, outcomes):
    with OpenAIServer([behaviour, "rewrite"], seed=3) as server:
        run = llm_run(tmp_path, server.base_url, api="responses")
        task = run.task("diff" if behaviour == "diff" else "rewrite")

        async def sitting() -> Proposal:
            async with run.proposer() as proposer:
                return await proposer.write(task)

        proposal = asyncio.run(sitting())
        assert proposal.candidate is not None
        assert asyncio.run(sitting()) == proposal
        assert {entry.path for entry in server.log} == {"/v1/responses"}
        assert server.requests == len(run.rows()) == len(outcomes)
        assert all(body["store"] is False for body in server.bodies)
    rows = run.rows()
    assert [row["outcome"] for row in rows] == outcomes
    if behaviour == "refusal":
        assert rows[0]["error"].startswith("refusal: ")
    if behaviour == "failed":
        assert "the model gave up" in rows[0]["error"]
        assert rows[0]["prompt_tokens"] == server.log[0].prompt_tokens
    last, entry = rows[-1], server.log[-1]
    if behaviour != "no_usage":
        assert (last["prompt_tokens"], last["completion_tokens"]) == (entry.prompt_tokens, entry.completion_tokens)
        assert (last["cached_tokens"], last["reasoning_tokens"]) == (
            entry.prompt_tokens // 8,
            entry.completion_tokens // 4,
        )


def test_both_formats_come_to_the_same_candidate(tmp_path):
    proposals = []
    for api in ("chat", "responses"):
        (tmp_path / api).mkdir()
        with OpenAIServer(["prose", "rewrite"], seed=7) as server:
            proposals += write(llm_run(tmp_path / api, server.base_url, api=api), ["m"])
    assert proposals[0].candidate == proposals[1].candidate is not None


def test_a_server_without_responses_is_one_clear_line(tmp_path):
    with OpenAIServer(["http_404"]) as server:
        run = llm_run(tmp_path, server.base_url, api="responses")
        with pytest.raises(ModelError, match="offers the Responses API"):
            write(run, ["m"])
