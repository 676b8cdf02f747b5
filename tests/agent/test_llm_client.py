"""One HTTP attempt: what is sent, and what is made of odd answers."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from speciate.agent import ModelSettings, _chat, _responses
from speciate.agent._client import ModelClient, _retry_after, base_url_of
from speciate.agent._pricing import Usage
from support.llm_runs import KEY, llm_run
from support.openai_server import OpenAIServer

RESPONSES = {"input_tokens": 5, "output_tokens": 7}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_the_limit_goes_under_the_name_that_the_server_heeds():
    environ = {"OPENAI_API_KEY": KEY}
    at_openai = ModelClient(ModelSettings(name="m"), environ)
    local = ModelClient(ModelSettings(name="m", base_url="http://127.0.0.1:11434/v1/"), environ)
    assert at_openai.body([], "diff") == {"model": "m", "messages": [], "max_completion_tokens": 8192}
    assert local.body([], "diff") == {"model": "m", "messages": [], "max_tokens": 8192}
    assert local.base_url == "http://127.0.0.1:11434/v1"


def test_a_server_that_wants_it_under_the_other_name_gets_it(tmp_path):
    with OpenAIServer(["wants_other_limit"]) as server:
        run = llm_run(tmp_path, server.base_url, retries=0)
        tasks = [run.task(), run.task(), run.task()]

        async def sitting():
            async with run.proposer() as proposer:
                both = await asyncio.gather(*(proposer.write(task) for task in tasks[:2]))
                return [*both, await proposer.write(tasks[2])]

        proposals = asyncio.run(sitting())
        assert all(proposal.candidate for proposal in proposals)
        assert asyncio.run(sitting()) == proposals
        assert server.requests == len(run.rows()) <= 5
        assert not run.slept
        assert "max_completion_tokens" in server.bodies[-1]


def test_text_that_no_database_holds_is_made_to_fit(tmp_path):
    with OpenAIServer(["odd_text"]) as server:
        run = llm_run(tmp_path, server.base_url)
        task = run.task()

        async def sitting():
            async with run.proposer() as proposer:
                return await proposer.write(task)

        assert asyncio.run(sitting()).candidate is not None
        assert run.rows()[0]["text"].endswith("?\ufffd")


@given(json_values)
def test_any_json_is_an_answer_of_some_kind(value):
    chat = (value, {"choices": value}, {"choices": [value], "usage": value}, {"choices": [{"message": value}]})
    parts = [{"type": "message", "content": [value]}, {"type": "message", "content": [{"type": "output_text"}]}]
    response = (value, {"output": value}, {"output": [value], "usage": value, "status": value}, {"output": parts})
    for body in (*chat, *response, {"output": [], "status": "incomplete", "incomplete_details": value}):
        for wire in (_chat, _responses):
            answer = wire.answer_of(200, json.dumps(body))
            assert answer.kind in ("completion", "bad_body")
            assert answer.text is None or isinstance(answer.text, str)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        ({"prompt_tokens": 5, "completion_tokens": 7}, Usage(5, 7, None)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}, Usage(5, 7, 3)),
        ({"prompt_tokens": 5}, Usage(5, None, None)),
        (RESPONSES | {"input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}}, Usage(5, 7, 1, 2)),
        (RESPONSES | {"output_tokens_details": {"reasoning_tokens": 3}}, Usage(5, 7, None, None, 3)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 30}, Usage(5, 25)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 2}, Usage(5, 7)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": [3]}, Usage(5, 7)),
        ({"prompt_tokens": -5, "completion_tokens": "7"}, Usage()),
        ({"prompt_tokens": True, "completion_tokens": 7.0}, Usage()),
    ],
)
def test_usage_is_what_the_server_says_or_unknown(usage, expected):
    body = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "usage": usage}
    assert _chat.answer_of(200, json.dumps(body)).usage == expected
    assert _responses.answer_of(200, json.dumps({"output": [], "usage": usage})).usage == expected


def test_retry_after_comes_in_three_forms():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90))
    assert _retry_after({"retry-after": "3"}) == 3.0
    assert _retry_after({"retry-after-ms": "250", "retry-after": "3"}) == 0.25
    assert 80 <= (_retry_after({"retry-after": then}) or 0) <= 90
    assert _retry_after({"retry-after": past}) == 0.0
    for nonsense in ("soon", "nan", "inf", "-1", ""):
        assert _retry_after({"retry-after": nonsense}) is None
    assert _retry_after({}) is None


def test_the_default_endpoint_may_come_from_the_environment():
    model = ModelSettings(name="m")
    assert base_url_of(model, {}) == "https://api.openai.com/v1"
    assert base_url_of(model, {"OPENAI_BASE_URL": "http://10.0.0.7:8000/v1/"}) == "http://10.0.0.7:8000/v1"


def test_a_key_typed_for_the_name_of_its_variable_is_not_repeated():
    with pytest.raises(ValidationError) as error:
        ModelSettings(name="m", api_key_env=KEY)
    assert KEY not in str(error.value)


def test_the_client_is_imported_only_when_something_is_sent():
    code = "import sys, speciate.agent; sys.exit(any(name in sys.modules for name in ('openai', 'httpx2')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
