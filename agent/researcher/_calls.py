"""Which tools a reply asks for: by the API's tool calls, or by fenced JSON in its text where it makes none.

Pure and forgiving: what cannot be read is a call of no tool with the reason in words, so that its author learns of
it. A stored reply always gives the same calls.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from .._replies import RawReply, closed_fences, said

CALLS_A_REPLY = 6
"""More of them in one reply are not looked at; their author is told."""
NAME_CHARACTERS = 64


class Call(NamedTuple):
    """One tool that is asked for."""

    name: str
    """Untrusted: there may be no such tool. Empty where none was named."""
    arguments: dict[str, Any]
    """Untrusted; for the tool to parse."""
    fault: str = ""
    """Why the call cannot be read; empty where it can."""
    id: str | None = None
    """By which the API wants the answer; None for a call in text."""


def calls_of(reply: RawReply) -> list[Call]:
    """Return the calls of a reply in their order; empty where it makes none."""
    if reply.calls:
        return [_call(each.name, each.arguments, each.id) for each in reply.calls]
    text = said(reply)
    told = [call for info, code in closed_fences(text) for call in _told(info, code)]
    if not told and text.startswith("{"):
        told = list(_told("", text))
    return told


def prose_of(reply: RawReply) -> str:
    """Return a reply's text without the blocks that are calls: where a draft's code may stand."""
    text = said(reply)
    for info, code in closed_fences(text):
        if code.strip() and any(True for _ in _told(info, code)):
            text = text.replace(code, "", 1)
    return text


def _told(info: str, code: str) -> Iterator[Call]:
    """Yield what a fenced block asks for: one call, or a list of them."""
    meant = info.split()[-1:] == ["tool"]
    try:
        found = json.loads(code)
    except (ValueError, RecursionError) as error:
        if meant:
            yield Call("", {}, f"expected JSON in the block `tool`, got text that is none ({_short(error)})")
        return
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, dict) and isinstance(each.get("tool"), str):
            arguments = {name: value for name, value in each.items() if name != "tool"}
            yield Call(each["tool"][:NAME_CHARACTERS], arguments)
        elif meant:
            yield Call("", {}, 'expected an object {"tool": NAME, ...} in the block `tool`')


def _call(name: str, arguments: str, id_: str) -> Call:
    name = name[:NAME_CHARACTERS]
    try:
        found = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        return Call(name, {}, f"expected JSON as the arguments, got text that is none ({_short(error)})", id_)
    if not isinstance(found, dict):
        return Call(name, {}, "expected an object as the arguments", id_)
    return Call(name, found, "", id_)


def _short(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__
