"""One reply in the two formats of the OpenAI API, and one request read from either."""

from typing import Any, NamedTuple

PATHS = ("/v1/chat/completions", "/v1/responses")


class Reply(NamedTuple):
    """What goes back, in whichever format was asked for."""

    status: int
    text: str | None = None
    finish: str = "stop"
    choices: int = 1
    usage: dict[str, int] | None = None
    """``prompt``, ``completion``, ``cached`` and ``reasoning``; None where the server does not tell."""
    billed: tuple[int, int] = (0, 0)
    """Prompt and completion tokens that a provider would bill, told or not."""
    calls: tuple[Any, ...] = ()
    """``tool_calls`` of a chat completion's message, well formed or not."""
    error: str = ""
    """Of a status that is no 200."""


def messages_of(body: dict[str, Any]) -> list[dict[str, str]]:
    """Return the conversation in a request of either format."""
    messages: list[dict[str, str]] = body.get("messages", body.get("input", []))
    return messages


def limit_of(body: dict[str, Any]) -> int | None:
    """Return the completion tokens that a request allows."""
    names = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    return next((body[name] for name in names if name in body), None)


def payload_of(path: str, number: int, model: str, reply: Reply) -> dict[str, Any]:
    """Return the JSON of a reply with status 200, as ``path`` has it."""
    if path.endswith("/responses"):
        return _response(number, model, reply)
    refused = reply.finish == "refusal"
    message: dict[str, Any] = {"role": "assistant", "content": None if refused else reply.text}
    message |= {"tool_calls": list(reply.calls)} if reply.calls else {}
    choice = {
        "index": 0,
        "message": message | ({"refusal": reply.text} if refused else {}),
        "finish_reason": "stop" if reply.finish in ("refusal", "failed") else reply.finish,
    }
    completion = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [choice] * reply.choices,
    }
    return completion | _usage(reply.usage, "prompt", "completion")


def _response(number: int, model: str, reply: Reply) -> dict[str, Any]:
    kind, field = ("refusal", "refusal") if reply.finish == "refusal" else ("output_text", "text")
    content = [] if reply.text is None else [{"type": kind, field: reply.text, "annotations": []}]
    message = {"type": "message", "role": "assistant", "status": "completed", "content": content}
    status = {"length": "incomplete", "failed": "failed"}.get(reply.finish, "completed")
    response = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 0,
        "model": model,
        "status": status,
        "error": {"code": "server_error", "message": "the model gave up"} if status == "failed" else None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "output": [{"type": "reasoning", "id": f"rs_{number}", "summary": []}, *[message] * reply.choices],
    }
    return response | _usage(reply.usage, "input", "output")


def _usage(told: dict[str, int] | None, prompt: str, completion: str) -> dict[str, Any]:
    if told is None:
        return {}
    usage = {
        f"{prompt}_tokens": told["prompt"],
        f"{completion}_tokens": told["completion"],
        "total_tokens": told["prompt"] + told["completion"],
        f"{prompt}_tokens_details": {"cached_tokens": told["cached"]},
        f"{completion}_tokens_details": {"reasoning_tokens": told["reasoning"]},
    }
    return {"usage": usage}
