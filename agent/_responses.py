"""The Responses format: a request's body and the completion in the body of a 200, told as Chat Completions would."""

from collections.abc import Mapping, Sequence
from typing import Any

from ._answers import Answer, listed, object_of, usage_of
from ._settings import ModelSettings, Sampling

CUT = "max_output_tokens"


def body_of(model: ModelSettings, messages: Sequence[Mapping[str, str]], sampling: Sampling) -> dict[str, Any]:
    """Return everything that is sent, except the key. The server is asked to keep nothing.

    Args:
        model: names the model and its limit.
        messages: the conversation.
        sampling: temperature and effort; None is left to the server.
    """
    body: dict[str, Any] = {
        "model": model.name,
        "input": list(messages),
        "max_output_tokens": model.max_completion_tokens,
        "store": False,
    }
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.effort is not None:
        body["reasoning"] = {"effort": sampling.effort}
    return body


def answer_of(status: int, text: str) -> Answer:
    """Return the answer in the body of a 200: its messages joined, without reasoning and without tool calls.

    ``incomplete`` becomes the finish reason ``length`` or its own; ``failed`` and what is not finished hold no
    completion.
    """
    body = listed(text, "output")
    if isinstance(body, str):
        return Answer("bad_body", status, error=body)
    usage, state = usage_of(body.get("usage")), body.get("status", "completed")
    if state not in ("completed", "incomplete"):
        why = object_of(body.get("error")).get("message", "no reason given")
        return Answer("bad_body", status, error=f"expected status completed, got {state}: {why}", usage=usage)
    reason = object_of(body.get("incomplete_details")).get("reason")
    finish = "stop" if state == "completed" else "length" if reason == CUT else str(reason or state)
    messages = [item for item in map(object_of, body["output"]) if item.get("type") == "message"]
    parts = [object_of(part) for message in messages for part in _list(message.get("content"))]
    texts = [str(part.get("text")) for part in parts if part.get("type") == "output_text"]
    refusals = [str(part.get("refusal")) for part in parts if part.get("type") == "refusal"]
    choices = 1 if messages or state == "incomplete" else 0
    return Answer(
        "completion",
        status,
        text="".join(texts) if texts else None,
        finish_reason=finish[:32],
        choices=choices,
        error=f"refusal: {' '.join(refusals)}" if refusals else "" if choices else "no choices",
        usage=usage,
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
