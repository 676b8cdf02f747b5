"""What statements of C++ declare, and what they only sum up."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ._cpp import Code, Loop, Statement, UnreadError, assigned, code_tokens, count_of, mentions, without_pragmas
from ._tokens import Token

_DECLARED = re.compile(
    r"(?:(?P<fixed>constexpr|const)\s+)?(?P<type>(?:unsigned\s+)?[A-Za-z_][\w:]*)(?P<point>\s*\*\s*(?:__restrict\s+)?|\s+)"
    r"(?P<name>[A-Za-z_]\w*)\s*(?P<shape>(?:\[[^\]]*\])*)\s*(?:=\s*(?P<value>[^;]*))?;\Z"
)
_NO_TYPES = frozenset({"return", "else", "delete", "goto", "using", "auto", "const", "typedef", "new"})
_NUMBERS = r"float|double|int|long|unsigned|size_t|u?int(?:8|16|32|64)_t"
_SUMS = {"+=": "+", "-=": "+", "*=": "*"}
_LONGEST = 200
"""Tokens of a statement that may be a choice of the larger: more of them take a pattern long."""
Sign = Literal["+", "*", ">", "<"]
"""How a value comes in: added, multiplied, or where it is larger or smaller."""


class Declaration(NamedTuple):
    """A declaration of one variable."""

    fixed: str
    type: str
    point: str
    name: str
    shape: str
    value: str | None


def declaration(source: str) -> Declaration | None:
    """Return what a statement declares, if it is one variable."""
    match = _DECLARED.match(source)
    if match is None or match["type"] in _NO_TYPES or any(each.text == "," for each in _top(match["value"] or "")):
        return None
    fixed = match["fixed"] or ""
    return Declaration(fixed, match["type"], match["point"], match["name"], match["shape"], match["value"])


def _top(text: str) -> Iterator[Token]:
    """Yield the tokens outside of brackets."""
    depth = 0
    for token in code_tokens(text):
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0:
            yield token


def declares(source: str) -> bool:
    """Return whether a statement begins like a declaration: two names, or a name and a pointer's, in a row."""
    code = code_tokens(source)
    while len(code) > 2 and code[1].text == "::":
        code = code[2:]
    words = [each.kind == "word" for each in code[:3]]
    return len(words) == 3 and words[0] and (words[1] or code[1].text == "<" or (code[1].text in "*&" and words[2]))


def reductions(code: Code, loop: Loop) -> dict[str, Sign]:
    """Return what a loop only sums up, multiplies up, or takes the largest or least of: names and signs."""
    return {name: sign for name, sign in kept(code, loop).items() if sign is not None}


def kept(code: Code, loop: Loop) -> dict[str, Sign | None]:
    """Return the variables that a loop hands on from round to round; None of those that are no reductions."""
    body = loop.statement.parts[0]
    own = {each.name for part in body.walk() if (each := declaration(code.source(part))) is not None}
    own |= {count.name for part in body.walk() if (count := count_of(part.head)) is not None}
    found: dict[str, Sign | None] = {}
    for name in sorted(assigned(code.inner(loop.statement)) - own):
        signs = set(_uses(code, body, name))
        found[name] = signs.pop() if len(signs) == 1 else None
    return found


def _uses(code: Code, statement: Statement, name: str) -> Iterator[Sign | None]:
    """Yield the sign of each reduction into ``name``, and None for whatever else speaks of it."""
    source = without_pragmas(code.source(statement))
    if not mentions(source, (name,)):
        return
    sign = reduction(source, name)
    if sign is not None or not statement.parts or mentions(statement.head, (name,)):
        yield sign
        return
    for part in statement.parts:
        yield from _uses(code, part, name)


def reduction(source: str, name: str) -> Sign | None:
    """Return the sign by which a statement adds to ``name``, if it does that and nothing else with it.

    >>> reduction("sum += a[i] * b[i];", "sum"), reduction("if (a[i] > top) top = a[i];", "top")
    ('+', '>')
    """
    code = [each.text for each in code_tokens(source)]
    if code[:1] == [name] and code.count(name) == 1 and code[1:2] and code[1] in _SUMS:
        return "*" if code[1] == "*=" else "+"
    return _largest("".join(code), name) if code.count(name) in (2, 3) and len(code) < _LONGEST else None


def _largest(text: str, name: str) -> Sign | None:
    """Return the sign by which a text, without blanks, takes the larger or smaller of a value and ``name``."""
    word = re.escape(name)
    branch = re.fullmatch(rf"if\((.+)([<>])=?{word}\)\{{?{word}=(.+);\}}?", text)
    choice = re.fullmatch(rf"{word}=\(?(.+?)([<>])=?{word}\)?\?(.+):{word};", text)
    match = branch or choice
    if match is not None:
        same = match[1] == match[3] and not mentions(match[1], (name,))
        return match[2] if same else None  # type: ignore[return-value]  # one of the two signs
    called = re.fullmatch(rf"{word}=(?:std::)?f?(max|min)f?\((?:{word},.+|.+,{word})\);", text)
    return None if called is None else ">" if called[1] == "max" else "<"


def type_before(code: Code, name: str, offset: int) -> str:
    """Return the type of number that ``name`` was last declared as before ``offset``. Raises UnreadError."""
    found = re.findall(rf"\b({_NUMBERS})\b[^;(){{}}]*\b{name}\b", code.text[:offset])
    if not found:
        raise UnreadError(f"no declaration of {name}")
    return str(found[-1])
