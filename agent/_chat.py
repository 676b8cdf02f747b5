"""The Chat Completions format: a request's body and the completion in the body of a 200."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ._answers import Answer, listed, object_of, usage_of
from ._replies import ToolCall
from ._settings import ModelSettings, Sampling

ID_CHARACTERS = 128
"""Of the id of a tool call; a longer one is replaced."""


def body_of(
    model: ModelSettings,
    messages: Sequence[Mapping[str, Any]],
    sampling: Sampling,
    limit_field: str,
    tools: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return everything that is sent, except the key.

    Args:
        model: names the model and its limit.
        messages: the conversation.
        sampling: temperature and effort; None is left to the server.
        limit_field: the name under which this server takes the limit on completion tokens.
        tools: what the model may call.
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
    if tools:
        body["tools"] = list(tools)
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
        calls=_calls(message.get("tool_calls")),
        finish_reason=finish[:32] if isinstance(finish, str) else None,
        choices=len(body["choices"]),
        error=f"refusal: {refusal}" if isinstance(refusal, str) and refusal else "",
        usage=usage,
    )


def _calls(told: object) -> tuple[ToolCall, ...]:
    """Return a message's tool calls, whatever they lack, each with an id that no other one has."""
    found: list[ToolCall] = []
    for place, each in enumerate(told if isinstance(told, list) else ()):
        call = object_of(each)
        function = object_of(call.get("function"))
        name, arguments, id_ = function.get("name"), function.get("arguments"), call.get("id")
        usable = isinstance(id_, str) and 0 < len(id_) <= ID_CHARACTERS and id_ not in {other.id for other in found}
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        found.append(
            ToolCall(
                str(id_) if usable else f"call_{place}",
                name if isinstance(name, str) else "",
                arguments if isinstance(arguments, str) else "",
            )
        )
    return tuple(found)
