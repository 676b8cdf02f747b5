"""C and C++ as statements: which loops there are, how they count, what they change. A small parser, on tokens.

It reads what kernels are made of. Where a text holds more than that, it finds fewer loops, or none.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from ._blocks import free_regions, within
from ._python_source import edited
from ._token_changes import File
from ._tokens import C_LIKE, Token, tokens

Kind = Literal["for", "while", "switch", "if", "do", "block", "plain"]
_HEADED: dict[str, Kind] = {"for": "for", "while": "while", "switch": "switch", "if": "if"}
_MOST_DEPTH = 60
_CLOSING = {"(": ")", "[": "]", "{": "}"}
ASSIGNING = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})
"""Signs that give what stands before them another value."""
_BEGINNING = frozenset({"", ";", "{", "}", ")", "(", ",", ":", "else", "do", "++", "--"})
_COUNT = re.compile(
    r"\s*(?P<type>[A-Za-z_][\w:]*(?:\s+[A-Za-z_]\w*)??)\s+(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<low>[^;]*?)\s*;"
    r"\s*(?P=name)\s*(?P<sign><=?)\s*(?P<high>[^;]*?)\s*;"
    r"\s*(?:(?P=name)\s*\+\+|\+\+\s*(?P=name)|(?P=name)\s*\+=\s*(?P<step>\w+))\s*\Z"
)
_PRAGMA = re.compile(r"(?m)^[ \t]*#pragma[^\n]*\n?")


class UnreadError(ValueError):
    """A text that is no C++ as far as this parser knows it, or no loop as an operator needs it."""


class Statement(NamedTuple):
    """A statement of a function."""

    kind: Kind
    lead: int
    """Offset where its pragmas begin, else its own."""
    start: int
    end: int
    head: str
    """What stands in its parentheses."""
    parts: tuple["Statement", ...]
    """Of a block its statements; of a loop its body; of an ``if`` both branches."""

    @property
    def body(self) -> tuple["Statement", ...]:
        """The statements that a loop repeats."""
        return self.parts[0].parts if self.parts[0].kind == "block" else self.parts[:1]

    def walk(self) -> Iterator["Statement"]:
        """Yield it and all within it."""
        yield self
        for part in self.parts:
            yield from part.walk()


class Count(NamedTuple):
    """How a loop counts: up, from ``low`` to below ``high``."""

    type: str
    name: str
    low: str
    high: str
    step: str

    def head(self, **other: str) -> str:
        """Return the loop's head, with some of it otherwise."""
        new = self._replace(**other)
        by = f"{new.name}++" if new.step == "1" else f"{new.name} += {new.step}"
        return f"{new.type} {new.name} = {new.low}; {new.name} < {new.high}; {by}"


class Loop(NamedTuple):
    """A loop that counts, and where it stands."""

    statement: Statement
    counter: Count
    parent: Statement
    """What it is part of: a block, or a loop without braces."""

    @property
    def innermost(self) -> bool:
        """Whether there is no loop within it."""
        return all(each.kind not in ("for", "while", "do") for each in self.statement.parts[0].walk())


class Function(NamedTuple):
    """A function with its body."""

    start: int
    parameters: tuple[int, int]
    """Offsets of what stands in its parentheses."""
    body: Statement


class Code:
    """A file in C or C++ as functions and loops. Raises UnreadError where it is none.

    Of the loops only those that may change are listed.
    """

    def __init__(self, file: File):
        self.file, self.text = file, file.text
        self.tokens = code_tokens(file.text)
        self.functions = tuple(_functions(file.text, self.tokens))
        self._regions = free_regions(file.text)

    @property
    def is_cuda(self) -> bool:
        """Whether its compiler is one for GPUs, which knows other pragmas."""
        return self.file.path.endswith(".cu")

    @cached_property
    def loops(self) -> list[Loop]:
        """The loops that count, outer ones first."""
        return [
            Loop(statement, count, parent)
            for statement, parent in self.statements
            if statement.kind == "for" and (count := count_of(statement.head)) is not None
        ]

    @cached_property
    def statements(self) -> list[tuple[Statement, Statement]]:
        """Every statement that may change, with what it is part of."""
        found = ((part, each) for function in self.functions for each in function.body.walk() for part in each.parts)
        return [(part, whole) for part, whole in found if within(self._regions, part.lead, part.end)]

    @property
    def first_free(self) -> int | None:
        """Offset of the first place that may change and is in no function; None where the free part begins in one."""
        start = self._regions[0].start if self._regions else None
        inside = start is not None and any(each.body.start < start < each.body.end for each in self.functions)
        return None if inside else start

    def is_free(self, start: int, end: int) -> bool:
        """Return whether a part of the text may change."""
        return within(self._regions, start, end)

    def function_of(self, offset: int) -> Function:
        """Return the function around an offset."""
        return next(each for each in self.functions if each.body.start <= offset < each.body.end)

    def source(self, statement: Statement) -> str:
        """Return a statement's text, without the indentation of its line."""
        indent = self.indent(statement.start)
        return self.text[statement.start : statement.end].replace("\n" + indent, "\n")

    def inner(self, statement: Statement) -> str:
        """Return the text of all that a loop repeats."""
        return self.text[statement.parts[0].start : statement.parts[0].end]

    def replaced(self, loop: Loop, lines: Sequence[str], constants: Mapping[str, int] | None = None) -> str | None:
        """Return the file with ``lines`` in a loop's place and new constants before; None where it is not whole."""
        return self.rewritten(loop.statement, loop.parent, lines, constants)

    def rewritten(
        self, statement: Statement, parent: Statement, lines: Sequence[str], constants: Mapping[str, int] | None = None
    ) -> str | None:
        """Return the file with ``lines`` in a statement's place; see ``replaced``."""
        if len(lines) > 1 and parent.kind != "block":
            lines = braced("", lines)
        indent = self.indent(statement.start)
        new = indented("\n".join(lines), indent)
        if self.line_start(statement.lead) != statement.lead:
            new = new[len(indent) :]
        text = edited(self.text, statement.lead, statement.end, new)
        return self.file.checked(self.with_constants(text, statement.lead, constants or {}))

    def with_constants(self, text: str, offset: int, constants: Mapping[str, int]) -> str:
        """Return ``text``, which differs from the file's behind ``offset`` alone, with constants for its function."""
        told = "".join(f"constexpr int64_t {name} = {value};\n" for name, value in constants.items())
        place = self.before_function(offset)
        return edited(text, place, place, told)

    def before_function(self, offset: int) -> int:
        """Return where declarations for the function around ``offset`` may go: before it, or within the free part."""
        start = self.line_start(self.function_of(offset).start)
        region = next(each for each in self._regions if each.start <= offset <= each.end)
        return max(start, region.start)

    def fresh(self, word: str) -> str:
        """Return ``word`` with the first number that makes it a new name."""
        number = 1
        while re.search(rf"\b{word}{number}\b", self.text):
            number += 1
        return f"{word}{number}"

    def line_start(self, offset: int) -> int:
        """Return where the offset's line begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def indent(self, offset: int) -> str:
        """Return the blanks that the offset's line begins with."""
        line = self.text[self.line_start(offset) : offset]
        return line[: len(line) - len(line.lstrip())]


def count_of(head: str) -> Count | None:
    """Return how a loop counts by its head; None where it is otherwise than by a step upwards."""
    match = _COUNT.match(head)
    if match is None or any(depth == 0 for depth in _commas(match["low"])):
        return None
    high = match["high"] if match["sign"] == "<" else f"{match['high']} + 1"
    return Count(match["type"], match["name"], match["low"], high, match["step"] or "1")


def braced(head: str, lines: Sequence[str]) -> list[str]:
    """Return ``head { lines }`` as lines."""
    return [f"{head} {{".lstrip(), *(indented(line, "    ") for line in lines), "}"]


def indented(text: str, indent: str) -> str:
    """Return the text with its lines further in."""
    return "\n".join(indent + line if line.strip() else line for line in text.split("\n"))


def without_pragmas(text: str) -> str:
    """Return the text without its pragmas."""
    return _PRAGMA.sub("", text)


def code_tokens(text: str) -> list[Token]:
    """Return the tokens that are neither blank nor a comment; a line for the preprocessor is one."""
    found: list[Token] = []
    for token in tokens(text, C_LIKE):
        if found and found[-1].text.startswith("#") and "\n" not in text[found[-1].start : token.start]:
            if "\n" not in token.text:
                found[-1] = Token("quiet", found[-1].text + token.text, found[-1].start)
        elif token.kind != "blank" and not token.text.startswith(("//", "/*")):
            found.append(token)
    return found


def words_of(text: str) -> set[str]:
    """Return the names in a text."""
    return {each.text for each in tokens(text, C_LIKE) if each.kind == "word"}


def assigned(text: str) -> set[str]:
    """Return the plain names that a text gives other values to; what is declared there is not among them."""
    found = set()
    code = code_tokens(text)
    for before, token, after in zip([None, *code], code, [*code[1:], None], strict=False):
        if token.kind != "word":
            continue
        ahead, behind = before.text if before else "", after.text if after else ""
        counted = behind in ("++", "--") or ahead in ("++", "--")
        if (behind in ASSIGNING or counted) and ahead in _BEGINNING:
            found.add(token.text)
    return found


def mentions(text: str, names: Collection[str]) -> bool:
    """Return whether a text speaks of one of ``names``."""
    return not words_of(text).isdisjoint(names)


def _commas(text: str) -> Iterator[int]:
    """Yield the depth of each comma."""
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == ",":
            yield depth


def _functions(text: str, code: Sequence[Token]) -> Iterator[Function]:
    at, begins = 0, 0
    while at < len(code):
        sign = code[at].text
        if sign == "{" and at and code[at - 1].text == ")":
            opened = _opening(code, at - 1)
            reader = _Reader(code, at, text)
            body = reader.statement()
            yield Function(code[begins].start, (code[opened].end, code[at - 1].start), body)
            at, begins = reader.at, reader.at
            continue
        at += 1
        if sign in ";{}" or sign.startswith("#"):
            begins = at


def _opening(code: Sequence[Token], closing: int) -> int:
    depth = 0
    for at in range(closing, -1, -1):
        depth += (code[at].text == ")") - (code[at].text == "(")
        if depth == 0:
            return at
    raise UnreadError("a parenthesis that is not opened")


class _Reader:
    """Reads statements from ``at`` on."""

    def __init__(self, code: Sequence[Token], at: int, text: str):
        self.code, self.at, self._text, self._depth = code, at, text, 0

    def statement(self) -> Statement:
        """Read the next statement. Raises UnreadError."""
        lead = self._now.start
        while self._now.text.startswith("#"):
            if "pragma" not in self._now.text:
                raise UnreadError("a line for the preprocessor within a function")
            self.at += 1
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise UnreadError("statements too deep")
        kind, head, parts, start = self._read(self._now)
        self._depth -= 1
        end = self.code[self.at - 1].end
        return Statement(kind, lead if lead < start else start, start, end, head, tuple(parts))

    def _read(self, first: Token) -> tuple[Kind, str, list[Statement], int]:
        if first.text == "{":
            return "block", "", self._block(), first.start
        if first.text in _HEADED:
            self.at += 1
            if self._now.text == "constexpr":
                self.at += 1
            head = self._parenthesis()
            parts = [self.statement()]
            if first.text == "if" and self.at < len(self.code) and self._now.text == "else":
                self.at += 1
                parts.append(self.statement())
            return _HEADED[first.text], head, parts, first.start
        if first.text == "do":
            self.at += 1
            parts = [self.statement()]
            self.at += 1
            head = self._parenthesis()
            self.at += 1
            return "do", head, parts, first.start
        self._semicolon()
        return "plain", "", [], first.start

    @property
    def _now(self) -> Token:
        if self.at >= len(self.code):
            raise UnreadError("the text ends within a function")
        return self.code[self.at]

    def _block(self) -> list[Statement]:
        self.at += 1
        found = []
        while self._now.text != "}":
            found.append(self.statement())
        self.at += 1
        return found

    def _parenthesis(self) -> str:
        if self._now.text != "(":
            raise UnreadError(f"expected (, got {self._now.text}")
        start = self._now.end
        self._bracket()
        return self._text[start : self.code[self.at - 1].start]

    def _bracket(self) -> None:
        """Go behind the bracket that opens here."""
        depth = 0
        while True:
            depth += (self._now.text in _CLOSING) - (self._now.text in _CLOSING.values())
            self.at += 1
            if depth == 0:
                return

    def _semicolon(self) -> None:
        while self._now.text != ";":
            if self._now.text in _CLOSING:
                self._bracket()
            elif self._now.text in _CLOSING.values():
                raise UnreadError("a statement without an end")
            else:
                self.at += 1
        self.at += 1
