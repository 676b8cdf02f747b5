"""What can come of one HTTP attempt, in whichever of the two formats a server speaks."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from ._pricing import UNKNOWN, Usage
from ._replies import ToolCall


@dataclass(frozen=True)
class Answer:
    """What came of one attempt."""

    kind: Literal["completion", "status", "timeout", "connect", "connection", "bad_body", "limit_field", "no_tools"]
    """``connect``: nothing was sent. ``connection``: lost after that. ``bad_body``: a 200 without a
    completion in it. ``limit_field``: the server wants the token limit under its other name. ``no_tools``: it takes
    no tools."""
    http_status: int | None = None
    text: str | None = None
    calls: tuple[ToolCall, ...] = ()
    """Tools that a completion asks for, each by an id of its own."""
    finish_reason: str | None = None
    choices: int = 0
    error: str = ""
    usage: Usage = UNKNOWN
    retry_after_s: float | None = None
    latency_s: float = 0.0

    @property
    def outcome(self) -> str:
        """What a failure is counted as: its kind, or ``http_429`` for a status."""
        return f"http_{self.http_status}" if self.kind == "status" else self.kind


def listed(text: str, name: str) -> dict[str, Any] | str:
    """Return the JSON object in ``text`` that has a list ``name``, or what is wrong with it."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return f"expected JSON, got {text[:200]!r}"
    if not isinstance(body, dict) or not isinstance(body.get(name), list):
        return f"expected a list {name!r}, got {text[:200]!r}"
    return body


def object_of(value: object) -> dict[str, Any]:
    """Return ``value`` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def usage_of(block: object) -> Usage:
    """Return the usage in a completion's ``usage``, by the names of either format; None for what it leaves out.

    Some servers leave reasoning out of the completion tokens and count it in the total alone; it is billed.
    """
    told = object_of(block)
    prompt = _count(told.get("prompt_tokens", told.get("input_tokens")))
    completion = _count(told.get("completion_tokens", told.get("output_tokens")))
    total = _count(told.get("total_tokens"))
    if prompt is not None and completion is not None and total is not None:
        completion = max(completion, total - prompt)
    read = object_of(told.get("prompt_tokens_details", told.get("input_tokens_details")))
    written = object_of(told.get("completion_tokens_details", told.get("output_tokens_details")))
    return Usage(
        prompt,
        completion,
        _count(read.get("cached_tokens")),
        _count(read.get("cache_write_tokens")),
        _count(written.get("reasoning_tokens")),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
