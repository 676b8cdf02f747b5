"""Budgets of tokens and dollars are hard, whatever is in flight and whatever the server does."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from speciate.agent import Budget, ModelSettings, Proposal, usage_summary
from speciate.agent._budget import prompt_bound, reservation_of
from speciate.agent._pricing import Usage, cost_usd
from speciate.agent._requests import RequestLog
from support.llm_runs import LLMRun, llm_run
from support.openai_server import OpenAIServer

PRICED = {"usd_per_million_input": 2.0, "usd_per_million_output": 10.0}


def drive(run: LLMRun, at_once: int, tickets: int = 60) -> tuple[int, str | None]:
    """Issue and write tickets as a loop would; return how many were written and why it ended."""

    async def sitting() -> tuple[int, str | None]:
        written = 0
        async with run.proposer() as proposer:
            while written < tickets and proposer.exhausted() is None:
                tasks = [run.task(seed=written + number) for number in range(at_once)]
                await asyncio.gather(*(proposer.write(task) for task in tasks))
                written += at_once
            log = RequestLog(run.archive.database, run.run_id)
            kept, summed = proposer._budget.charges, log.charges()
            assert (kept.tokens, kept.overrun) == (summed.tokens, summed.overrun)
            assert kept.usd == pytest.approx(summed.usd)
            return written, proposer.exhausted()

    return asyncio.run(sitting())


@pytest.mark.parametrize("at_once", [1, 8])
@pytest.mark.parametrize("budget", [Budget(tokens=40_000), Budget(usd=0.12)])
def test_a_budget_is_used_and_never_passed(tmp_path, at_once, budget):
    with OpenAIServer(["rewrite", "no_usage", "rewrite", "http_500", "drop", "mixed"], seed=2, hang_s=1) as server:
        run = llm_run(
            tmp_path, server.base_url, budget=budget, timeout_s=0.6, max_completion_tokens=800, **PRICED
        )
        _, reason = drive(run, at_once)
        billed_tokens, requests = server.tokens, server.requests
        billed_usd = sum(e.prompt_tokens * 2e-6 + e.completion_tokens * 1e-5 for e in server.log)
    assert reason is not None
    total = usage_summary(run.archive.database, run.run_id).total
    # Where a machine stalls, a connection may not come about in time: of such a request the server knows nothing.
    unreached = total.outcomes.get("connect", 0)
    assert total.requests == requests + unreached == len(run.rows())
    assert total.charged_usd is not None
    if budget.tokens is not None:
        assert "tokens are charged" in reason
        assert billed_tokens <= total.charged_tokens <= budget.tokens
        assert total.charged_tokens > 0.8 * budget.tokens
    else:
        assert "USD are charged" in reason
        assert billed_usd <= total.charged_usd + 1e-9
        assert 0.8 * 0.12 < total.charged_usd <= 0.12


def test_a_request_that_could_pass_the_budget_is_not_sent(tmp_path):
    with OpenAIServer(["rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(tokens=9_000), max_completion_tokens=8192)
        written, reason = drive(run, 1)
        assert server.requests == len(run.rows()) == 0
    assert written == 1
    assert reason is not None
    assert "0 of 9,000 tokens are charged" in reason


def test_a_budget_below_one_reply_is_seen_before_any_ticket(tmp_path):
    run = llm_run(tmp_path, "http://127.0.0.1:9/v1", budget=Budget(tokens=5_000), max_completion_tokens=8192)
    assert drive(run, 1)[0] == 0


def test_a_ticket_that_does_not_fit_waits_for_what_is_in_flight(tmp_path):
    with OpenAIServer(["rewrite"], delay_s=0.1) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(tokens=16_000), max_completion_tokens=4000)

        async def sitting() -> list[Proposal]:
            async with run.proposer() as proposer:
                tasks = [run.task(seed=number) for number in range(4)]
                return list(await asyncio.gather(*(proposer.write(task) for task in tasks)))

        proposals = asyncio.run(sitting())
        assert all(proposal.candidate for proposal in proposals)
        assert server.requests == 4


def test_unused_reservations_are_given_back_and_the_rest_is_charged(tmp_path):
    with OpenAIServer(["rewrite", "no_usage"]) as server:
        run = llm_run(tmp_path, server.base_url, **PRICED)
        drive(run, 1, tickets=2)
    known, unknown = run.rows()
    total = usage_summary(run.archive.database, run.run_id).total
    used = known["prompt_tokens"] + known["completion_tokens"]
    assert used < known["reserved_tokens"]
    assert total.charged_tokens == used + unknown["reserved_tokens"]
    assert (total.usage_unknown, total.usd_unknown) == (1, 1)
    assert total.usd == pytest.approx(known["prompt_tokens"] * 2e-6 + known["completion_tokens"] * 1e-5)
    assert unknown["cost_usd"] is None


def test_a_server_that_ignores_its_limit_is_reserved_more_for(tmp_path):
    with OpenAIServer(["overlong", "rewrite"]) as server:
        run = llm_run(tmp_path, server.base_url, budget=Budget(tokens=200_000), max_completion_tokens=64)
        drive(run, 1, tickets=2)
    first, second, *_ = run.rows()
    assert first["prompt_tokens"] + first["completion_tokens"] > 2 * first["reserved_tokens"]
    assert second["reserved_tokens"] > 2 * first["reserved_tokens"]


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_prompt_has_no_more_tokens_than_bytes(texts):
    messages = [{"role": "user", "content": text} for text in texts]
    assert prompt_bound(messages) >= sum(len(text.encode()) for text in texts) + 32 * len(texts)


CACHED = ModelSettings(
    name="m",
    usd_per_million_input=2.0,
    usd_per_million_cached_input=0.5,
    usd_per_million_cache_write=2.5,
    usd_per_million_output=10.0,
)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(1_000_000, 0, 0, 0), 2.0),
        (Usage(1_000_000, 0, 600_000, 0), 0.4 * 2 + 0.6 * 0.5),
        (Usage(1_000_000, 0, 600_000, 100_000), 0.3 * 2 + 0.6 * 0.5 + 0.1 * 2.5),
        (Usage(1_000_000, 0), 2.5),
        (Usage(1_000_000, 0, 600_000), 0.4 * 2.5 + 0.6 * 0.5),
        (Usage(1_000_000, 0, 9_000_000, 9_000_000), 0.5),
        (Usage(0, 1_000_000, 0, 0, 900_000), 10.0),
    ],
)
def test_the_cache_has_its_own_prices_and_what_a_server_does_not_tell_is_an_upper_bound(usage, usd):
    assert cost_usd(CACHED, usage) == pytest.approx(usd)
    plain = CACHED.model_copy(update={"usd_per_million_cached_input": None, "usd_per_million_cache_write": None})
    assert cost_usd(plain, usage) == pytest.approx(usage.prompt_tokens * 2e-6 + usage.completion_tokens * 1e-5)


COUNTS = st.integers(0, 10**6)


@given(COUNTS, COUNTS, COUNTS | st.none(), COUNTS | st.none())
def test_no_use_of_the_cache_costs_more_than_was_reserved(prompt, completion, cached, written):
    bound = cost_usd(CACHED, Usage(prompt, completion))
    assert cost_usd(CACHED, Usage(prompt, completion, cached, written)) <= bound * (1 + 1e-12)


@pytest.mark.parametrize("wrong", [{"usd_per_million_cached_input": 2.1}, {"usd_per_million_cache_write": 1.9}])
def test_prices_that_would_make_a_reservation_too_small_are_refused(wrong):
    with pytest.raises(ValidationError, match="cached_input <= input <= cache_write"):
        ModelSettings(name="m", **PRICED, **wrong)


def test_unknown_is_none_and_never_nought():
    free = ModelSettings(name="m", usd_per_million_input=0.0, usd_per_million_output=0.0)
    unpriced = ModelSettings(name="m")
    assert cost_usd(unpriced, Usage(10, 10)) is None
    assert cost_usd(free, Usage(10, None)) is None
    assert cost_usd(free, Usage(10, 10)) == 0.0
    assert cost_usd(ModelSettings(name="m", **PRICED), Usage(1_000_000, 100_000)) == pytest.approx(3.0)
    assert reservation_of(unpriced, []).usd is None
