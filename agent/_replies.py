"""From the text of a model to the source of a design, or to a reason why there is none.

Pure: text in, ``Parsed`` out. The same reply always parses alike, so a reply that was stored can be parsed
again after a kill.
"""

import ast
import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from ._diff import DiffError, apply_blocks, has_blocks, parse_blocks

Outcome = Literal["diff", "rewrite", "no_code", "truncated", "empty", "no_choices", "diff_failed"]
USABLE: frozenset[str] = frozenset({"diff", "rewrite"})

_FENCE = re.compile(r"^[ \t]{0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$")
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
IDEA_CHARACTERS = 500


class RawReply(NamedTuple):
    """A completion as it was received and stored."""

    text: str | None
    finish_reason: str | None
    choices: int = 1
    """How many choices the answer held: 0 is a fault of the server that costs money all the same."""


class Parsed(NamedTuple):
    """What a reply came to. ``source`` is None unless ``outcome`` is in ``USABLE``."""

    outcome: Outcome
    source: str | None = None
    idea: str = ""
    """The author's own words before the code, shortened. Untrusted text."""
    reason: str = ""
    """For an unusable reply: what was wrong, in words that its author can act on."""


class _Fence(NamedTuple):
    code: str
    closed: bool
    start: int
    """Line on which it opens, from 0."""


def parse_reply(reply: RawReply, parent: str, hooks: Collection[str] = ()) -> Parsed:
    """Return the design in a reply: SEARCH/REPLACE blocks applied to ``parent``, or else a whole file.

    Args:
        reply: the stored completion.
        parent: source that the author was shown and may have edited.
        hooks: names of the functions a design must define; they tell the design from a sketch where a reply
            has several code blocks.
    """
    if reply.choices == 0:
        return Parsed("no_choices", reason="the answer held no choices")
    text = _THOUGHT.sub("", (reply.text or "").replace("\r\n", "\n")).strip()
    cut = reply.finish_reason == "length"
    if not text:
        if cut:
            return _truncated("")
        return Parsed("empty", reason="the reply was empty")
    if has_blocks(text):
        return _truncated(_idea(text)) if cut else _edited(text, parent)
    return _rewritten(text, hooks, cut)


def _truncated(idea: str) -> Parsed:
    reason = "the reply was cut off at the token limit before it was complete; think and write more briefly"
    return Parsed("truncated", idea=idea, reason=reason)


def _edited(text: str, parent: str) -> Parsed:
    idea = _idea(text)
    try:
        blocks = parse_blocks(text)
        return Parsed("diff", apply_blocks(parent, blocks), idea)
    except DiffError as error:
        return Parsed("diff_failed", idea=idea, reason=f"{error}")


def _rewritten(text: str, hooks: Collection[str], cut: bool) -> Parsed:
    idea = _idea(text)
    fences = [fence for fence in _fences(text) if fence.code.strip()]
    whole = [fence for fence in fences if fence.closed or not cut]
    if whole:
        best = max(whole, key=lambda fence: (_worth(fence.code, hooks), fence.start))
        if not cut or _worth(best.code, hooks)[0] >= max(1, len(hooks)):
            return Parsed("rewrite", _ended(best.code), idea)
    if cut:
        return _truncated(idea)
    if not fences and _worth(text, hooks)[0] > 0:
        return Parsed("rewrite", _ended(text), "")
    return Parsed("no_code", idea=idea, reason="the reply holds no code block and no SEARCH/REPLACE block")


def _fences(text: str) -> Iterator[_Fence]:
    """Yield the fenced blocks of Markdown: a fence ends with at least as many of the signs it began with."""
    lines = text.split("\n")
    opened: re.Match[str] | None = None
    start = 0
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if opened is None:
            if match and not (match["mark"][0] == "`" and "`" in match["info"]):
                opened, start = match, number
        elif match and not match["info"].strip() and match["mark"].startswith(opened["mark"]):
            yield _Fence("\n".join(lines[start + 1 : number]), True, start)
            opened = None
    if opened is not None:
        yield _Fence("\n".join(lines[start + 1 :]), False, start)


def _worth(code: str, hooks: Collection[str]) -> tuple[int, int]:
    """Return (hooks defined, lines): by what a block is preferred, also where it does not parse."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        defined = set(re.findall(r"^(?:async )?def (\w+)", code, re.MULTILINE))
    else:
        defined = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return len(defined & set(hooks)) if hooks else len(defined), code.count("\n")


def _idea(text: str) -> str:
    """Return the words before the first fence or block, on one line."""
    words = []
    for line in text.split("\n"):
        if _FENCE.match(line) or has_blocks(line):
            break
        words.append(line.strip())
    return " ".join(" ".join(words).split())[:IDEA_CHARACTERS]


def _ended(code: str) -> str:
    return code.strip("\n") + "\n"
