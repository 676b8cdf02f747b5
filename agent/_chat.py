"""The Chat Completions format: a request's body and the completion in the body of a 200."""

from collections.abc import Mapping, Sequence
from typing import Any

from ._answers import Answer, listed, object_of, usage_of
from ._settings import ModelSettings, Sampling


def body_of(
    model: ModelSettings, messages: Sequence[Mapping[str, str]], sampling: Sampling, limit_field: str
) -> dict[str, Any]:
    """Return everything that is sent, except the key.

    Args:
        model: names the model and its limit.
        messages: the conversation.
        sampling: temperature and effort; None is left to the server.
        limit_field: the name under which this server takes the limit on completion tokens.
    """
    body: dict[str, Any] = {
        "model": model.name,
        "messages": list(messages),
        limit_field: model.max_completion_tokens,
    }
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.effort is not None:
        body["reasoning_effort"] = sampling.effort
    return body


def answer_of(status: int, text: str) -> Answer:
    """Return the answer in the body of a 200. Strict about nothing that can be done without."""
    body = listed(text, "choices")
    if isinstance(body, str):
        return Answer("bad_body", status, error=body)
    usage = usage_of(body.get("usage"))
    if not body["choices"]:
        return Answer("completion", status, choices=0, error="no choices", usage=usage)
    choice = object_of(body["choices"][0])
    message = object_of(choice.get("message"))
    content, finish = message.get("content"), choice.get("finish_reason")
    refusal = message.get("refusal")
    return Answer(
        "completion",
        status,
        text=content if isinstance(content, str) else None,
        finish_reason=finish[:32] if isinstance(finish, str) else None,
        choices=len(body["choices"]),
        error=f"refusal: {refusal}" if isinstance(refusal, str) and refusal else "",
        usage=usage,
    )
