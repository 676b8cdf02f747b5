"""Changes of what a C++ loop reckons, and when: out of the loop, without a branch, in another type, asked for ahead."""

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from ._cpp import ASSIGNING, Code, Loop, assigned, code_tokens, mentions, words_of
from ._cpp_values import declaration
from ._lanes import Spread, spread
from ._python_source import edited
from ._token_changes import File
from ._tokens import Token

_AHEAD = (16, 64, 128, 256)
_OTHER = {"float": "double", "double": "float"}
_BRANCH = re.compile(
    r"if\s*\((?P<when>.*)\)\s*\{?\s*(?P<name>[A-Za-z_]\w*(?:\[[^\]=]*\])*)\s*=(?!=)\s*(?P<value>[^;{}]+);\s*\}?\Z",
    re.DOTALL,
)
_LONGEST = 500
"""Characters of a branch that is matched: more of them take a pattern long, and are no choice of two values."""
_MEMBER = frozenset({".", "->", "::", "]"})


class Kept(NamedTuple):
    """An expression within a loop that comes to the same in each of its rounds."""

    start: int
    end: int
    value: str
    """What is reckoned before the loop."""
    sign: str
    """What stands before the name of it in the loop."""


def hoist(file: File, rng: Random) -> str | None:
    """Reckon before a loop what is the same in all of its rounds: the reciprocal of a divisor, or an element."""
    code = Code(file)
    found = [
        (loop, kept)
        for loop in code.loops
        if loop.innermost and loop.parent.kind == "block"
        for kept in (*_divisors(code, loop), *_elements(code, loop))
    ]
    if not found:
        return None
    loop, chosen = rng.choice(found)
    name, text = code.fresh("kept"), code.text
    alike = [kept for each, kept in found if each is loop and (kept.value, kept.sign) == (chosen.value, chosen.sign)]
    for kept in sorted(alike, reverse=True):
        text = edited(text, kept.start, kept.end, f"{kept.sign}{name}")
    start = code.line_start(loop.statement.lead)
    line = f"{code.indent(loop.statement.start)}const auto {name} = {chosen.value};\n"
    return file.checked(edited(text, start, start, line))


def _divisors(code: Code, loop: Loop) -> Iterator[Kept]:
    """Yield the divisors that stay the same and are no whole numbers: a division becomes a product."""
    inside, changing = _inside(code, loop), _changing(code, loop)
    for at, token in enumerate(inside):
        end = _operand(inside, at + 1) if token.text in ("/", "/=") else None
        if end is None:
            continue
        text = code.text[inside[at + 1].start : inside[end - 1].end]
        if not mentions(text, changing) and _is_float(code, text):
            yield Kept(token.start, inside[end - 1].end, f"1.0f / {text}", "*= " if token.text == "/=" else "* ")


def _elements(code: Code, loop: Loop) -> Iterator[Kept]:
    """Yield the array elements that are read and stay the same."""
    changing = _changing(code, loop) | {name for name, _, stored in _subscripted(code, loop) if stored}
    for _, token, stored in _subscripted(code, loop):
        text = code.text[token.start : token.end]
        if not stored and not mentions(text, changing):
            yield Kept(token.start, token.end, text, "")


def _subscripted(code: Code, loop: Loop) -> Iterator[tuple[str, Token, bool]]:
    """Yield the array elements in a loop: the array's name, the whole element, and whether it is given a value."""
    inside = _inside(code, loop)
    for at in range(len(inside) - 1):
        ahead = inside[at - 1].text if at else ""
        if inside[at].kind != "word" or inside[at + 1].text != "[" or ahead in _MEMBER:
            continue
        end = _operand(inside, at)
        if end is None:
            continue
        start, stop = inside[at].start, inside[end - 1].end
        stored = (end < len(inside) and inside[end].text in (*ASSIGNING, "++", "--")) or ahead in ("&", "++", "--")
        yield inside[at].text, Token("word", code.text[start:stop], start), stored


def _inside(code: Code, loop: Loop) -> list[Token]:
    start, end = loop.statement.parts[0].start, loop.statement.parts[0].end
    return [each for each in code.tokens if start <= each.start < end and each.kind != "quiet"]


def _changing(code: Code, loop: Loop) -> set[str]:
    """Return the names that are other in each round."""
    own = {each.name for part in loop.statement.walk() if (each := declaration(code.source(part))) is not None}
    return own | assigned(code.inner(loop.statement)) | {loop.counter.name}


def _operand(inside: Sequence[Token], at: int) -> int | None:
    """Return the position behind the operand that begins at ``at``: a cast, a name or bracket, and what follows it."""
    if at >= len(inside):
        return None
    if inside[at].text == "(":
        end = _closing(inside, at)
        if end is not None and end - at == 3 and inside[at + 1].text in _OTHER:
            return _operand(inside, end)
    else:
        end = at + 1 if inside[at].kind == "word" else None
    while end is not None and end < len(inside) and inside[end].text in ("[", "(", ".", "->", "::"):
        end = _closing(inside, end) if inside[end].text in "[(" else end + 2
    return end if end is None or end <= len(inside) else None


def _closing(inside: Sequence[Token], at: int) -> int | None:
    depth = 0
    for position in range(at, len(inside)):
        depth += (inside[position].text in "([") - (inside[position].text in ")]")
        if depth == 0:
            return position + 1
    return None


def _is_float(code: Code, text: str) -> bool:
    """Return whether an operand is cast to a float, or is a name that the file declares as one."""
    if re.match(r"\((?:float|double)\)", text):
        return True
    return text.isidentifier() and re.search(rf"\b(?:float|double)\s+{text}\b", code.text) is not None


def select(file: File, rng: Random) -> str | None:
    """Make a choice between two values of a branch that gives a variable another one: that is no jump."""
    code = Code(file)
    found = []
    for statement, parent in code.statements:
        short = statement.kind == "if" and len(statement.parts) == 1 and statement.end - statement.start < _LONGEST
        match = _BRANCH.match(code.source(statement)) if short else None
        if match is not None and "if" not in words_of(match["when"]):
            found.append((statement, parent, match))
    if not found:
        return None
    statement, parent, match = rng.choice(found)
    line = f"{match['name']} = {match['when']} ? {match['value']} : {match['name']};"
    return code.rewritten(statement, parent, [line])


def retype(file: File, rng: Random) -> str | None:
    """Keep a variable in ``float`` instead of ``double``, or the other way."""
    code = Code(file)
    found = []
    for statement, _ in code.statements:
        declared = declaration(code.source(statement)) if statement.kind == "plain" else None
        if declared is not None and declared.type in _OTHER and "*" not in declared.point:
            found.append(statement)
    if not found:
        return None
    statement = rng.choice(found)
    word = next(each for each in code_tokens(code.text[statement.start : statement.end]) if each.text in _OTHER)
    start = statement.start + word.start
    return file.checked(edited(code.text, start, start + len(word.text), _OTHER[word.text]))


def prefetch(file: File, rng: Random) -> str | None:
    """Ask for an element that a loop will read in a later round."""
    code = Code(file)
    loops = [loop for loop in code.loops if loop.statement.parts[0].kind == "block"]
    found = [(loop, element) for loop in loops for element in _later(code, loop)]
    if not found:
        return None
    loop, element = rng.choice(found)
    name, count, body = code.fresh("ahead"), loop.counter, loop.statement.parts[0]
    later = spread(element, {count.name: Spread(f"({count.name} + {name})")})
    line = f"\n{code.indent(loop.statement.start)}    __builtin_prefetch(&{later});"
    text = edited(code.text, body.start + 1, body.start + 1, line)
    return file.checked(code.with_constants(text, loop.statement.start, {name: rng.choice(_AHEAD)}))


def _later(code: Code, loop: Loop) -> list[str]:
    """Return the array elements whose place is decided by the loop's variable and nothing else that changes in it."""
    within = set(loop.statement.parts[0].walk())
    inner = {each.counter.name for each in code.loops if each.statement in within}
    changing = (_changing(code, loop) | inner) - {loop.counter.name}
    found = [each.text for _, each, _ in _subscripted(code, loop)]
    running = [each for each in found if each.count("[") == 1 and mentions(each, (loop.counter.name,))]
    return sorted({each for each in running if not mentions(each, changing)})
