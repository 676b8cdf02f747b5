"""From the text of a model to the files of a design, or to a reason why there are none.

Pure: text in, ``Parsed`` out. The same reply always parses alike, so a reply that was stored can be parsed
again after a kill.
"""

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

from speciate.evaluators import SourceFile

from ._blocks import framed
from ._blocks import has_blocks as has_marks
from ._diff import DiffError, apply_to_files, has_blocks, parse_blocks

Outcome = Literal[
    "diff",
    "rewrite",
    "lessons",
    "plans",
    "no_code",
    "truncated",
    "empty",
    "no_choices",
    "diff_failed",
    "frame_broken",
    "no_lessons",
    "no_plans",
]
USABLE: frozenset[str] = frozenset({"diff", "rewrite", "lessons", "plans"})

_FENCE = re.compile(r"^[ \t]{0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$")
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
IDEA_CHARACTERS = 500


class ToolCall(NamedTuple):
    """A tool that a completion asks for by the API's own means. Untrusted."""

    id: str
    """By which the API wants the answer."""
    name: str
    arguments: str
    """JSON, if the model kept to it."""


class RawReply(NamedTuple):
    """A completion as it was received and stored."""

    text: str | None
    finish_reason: str | None
    choices: int = 1
    """How many choices the answer held: 0 is a fault of the server that costs money all the same."""
    calls: tuple[ToolCall, ...] = ()


class Parsed(NamedTuple):
    """What a reply came to. ``files`` is empty unless ``outcome`` is ``diff`` or ``rewrite``."""

    outcome: Outcome
    files: tuple[SourceFile, ...] = ()
    """The design's files, those that the reply does not touch included."""
    idea: str = ""
    """The author's own words before the code, shortened. Untrusted text."""
    reason: str = ""
    """For an unusable reply: what was wrong, in words that its author can act on."""
    excerpt: str = ""
    """What of the design the reason speaks of. Untrusted text."""
    plans: tuple[str, ...] = ()
    """Of ``plans``: each ``label: what changes``. Untrusted text."""

    @property
    def source(self) -> str | None:
        """Text of the entry file."""
        return self.files[0].text if self.files else None


class Asked(NamedTuple):
    """What the author was shown and asked for."""

    files: tuple[SourceFile, ...]
    """The design that may be edited; the first file is the entry."""
    defines: tuple[str, ...] = ()
    """Functions that the entry must define; they tell the design from a sketch where a reply has several blocks."""
    python: bool = True
    frame: tuple[SourceFile, ...] = ()
    """The problem's seed: where it has EVOLVE blocks, nothing outside them is taken from a reply."""


class _Fence(NamedTuple):
    code: str
    closed: bool
    start: int
    """Line on which it opens, from 0."""
    label: str
    """What its first line and the line before it say: where a path may stand."""
    info: str
    """What its first line says."""


def parse_reply(reply: RawReply, asked: Asked) -> Parsed:
    """Return the design in a reply: SEARCH/REPLACE blocks applied to the files, or else whole files."""
    if reply.choices == 0:
        return Parsed("no_choices", reason="the answer held no choices")
    text = said(reply)
    cut = reply.finish_reason == "length"
    if not text:
        if cut:
            return _truncated("")
        return Parsed("empty", reason="the reply was empty")
    if has_blocks(text):
        return _truncated(_idea(text)) if cut else _in_frame(_edited(text, asked), asked)
    return _in_frame(_rewritten(text, asked, cut), asked)


def said(reply: RawReply) -> str:
    """Return the text of a reply without what its author thought aloud."""
    return _THOUGHT.sub("", (reply.text or "").replace("\r\n", "\n")).strip()


def closed_fences(text: str) -> Iterator[tuple[str, str]]:
    """Yield what the first line of each fenced block says after the fence, and the text in the block."""
    return ((fence.info, fence.code) for fence in _fences(text) if fence.closed)


def _truncated(idea: str) -> Parsed:
    reason = "the reply was cut off at the token limit before it was complete; think and write more briefly"
    return Parsed("truncated", idea=idea, reason=reason)


def _edited(text: str, asked: Asked) -> Parsed:
    idea = _idea(text)
    try:
        texts = apply_to_files({file.path: file.text for file in asked.files}, parse_blocks(text))
    except DiffError as error:
        return Parsed("diff_failed", idea=idea, reason=f"{error}", excerpt=error.excerpt)
    return Parsed("diff", tuple(SourceFile(path=path, text=new) for path, new in texts.items()), idea)


def _rewritten(text: str, asked: Asked, cut: bool) -> Parsed:
    idea = _idea(text)
    fences = [fence for fence in _fences(text) if fence.code.strip()]
    whole = [fence for fence in fences if fence.closed or not cut]
    named = _named(whole, asked.files)
    if named and (not cut or len(whole) == len(fences)):
        files = tuple(SourceFile(path=file.path, text=named.get(file.path, file.text)) for file in asked.files)
        return Parsed("rewrite", files, idea)
    if whole:
        best = max(whole, key=lambda fence: (_worth(fence.code, asked), fence.start))
        finished = _worth(best.code, asked)[0] >= max(1, len(asked.defines)) or not asked.python
        if not cut or (finished and (asked.python or len(whole) == len(fences))):
            return Parsed("rewrite", _with_entry(best.code, asked), idea)
    if cut:
        return _truncated(idea)
    if not fences and asked.python and _worth(text, asked)[0] > 0:
        return Parsed("rewrite", _with_entry(text, asked), "")
    return Parsed("no_code", idea=idea, reason="the reply holds no code block and no SEARCH/REPLACE block")


def _with_entry(code: str, asked: Asked) -> tuple[SourceFile, ...]:
    return (SourceFile(path=asked.files[0].path, text=_ended(code)), *asked.files[1:])


def _named(fences: Sequence[_Fence], files: Sequence[SourceFile]) -> dict[str, str]:
    """Return the code of the fences that name a file, by path; the last one of a name counts."""
    if len(files) < 2:
        return {}
    found: dict[str, str] = {}
    for fence in fences:
        for file in sorted(files, key=lambda each: -len(each.path)):
            if re.search(rf"(?<![\w./-]){re.escape(file.path)}(?![\w/-])", fence.label):
                found[file.path] = _ended(fence.code)
                break
    return found


def _in_frame(parsed: Parsed, asked: Asked) -> Parsed:
    """Return the design with all that lies outside the seed's EVOLVE blocks as the seed has it."""
    seeds = {file.path: file.text for file in asked.frame}
    if not parsed.files or not any(has_marks(text) for text in seeds.values()):
        return parsed
    files = []
    for file in parsed.files:
        frame = seeds.get(file.path, file.text)
        text = framed(frame, file.text) if has_marks(frame) else frame
        if text is None:
            wanted = "keep every line with EVOLVE-BLOCK-START or EVOLVE-BLOCK-END as it is, and write between them"
            return Parsed("frame_broken", idea=parsed.idea, reason=f"{file.path}: {wanted}")
        files.append(SourceFile(path=file.path, text=text))
    if tuple(files) == asked.files:
        reason = "nothing changed between the lines EVOLVE-BLOCK-START and EVOLVE-BLOCK-END"
        return Parsed("frame_broken", idea=parsed.idea, reason=reason)
    return parsed._replace(files=tuple(files))


def _fences(text: str) -> Iterator[_Fence]:
    """Yield the fenced blocks of Markdown: a fence ends with at least as many of the signs it began with."""
    lines = text.split("\n")
    opened: re.Match[str] | None = None
    start, label = 0, ""
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if opened is None:
            if match and not (match["mark"][0] == "`" and "`" in match["info"]):
                before = next((each for each in reversed(lines[max(0, number - 2) : number]) if each.strip()), "")
                opened, start, label = match, number, f"{before} {match['info']}"[-400:]
        elif match and not match["info"].strip() and match["mark"].startswith(opened["mark"]):
            yield _Fence("\n".join(lines[start + 1 : number]), True, start, label, opened["info"].strip())
            opened = None
    if opened is not None:
        yield _Fence("\n".join(lines[start + 1 :]), False, start, label, opened["info"].strip())


def _worth(code: str, asked: Asked) -> tuple[int, int]:
    """Return (functions asked for that it defines, lines): by what a block is preferred."""
    if not asked.python:
        return 0, code.count("\n")
    return _defined(code, asked.defines), code.count("\n")


def _defined(code: str, hooks: Collection[str]) -> int:
    """Count the functions of ``hooks`` that ``code`` defines, of any name without hooks; also where it is broken."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        defined = set(re.findall(r"^(?:async )?def (\w+)", code, re.MULTILINE))
    else:
        defined = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return len(defined & set(hooks)) if hooks else len(defined)


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
