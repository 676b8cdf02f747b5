"""Several rounds of a C++ loop side by side, in lanes: unroll and jam, and sums in parts.

A loop over ``i`` is made to take ``w`` steps at once. Each statement of its body becomes a short loop over ``w`` lanes,
in which ``i`` is ``i + lane`` and what the body declares is an array with one element a lane; loops within the body
stay around those, so that they run once for all lanes. What is over runs as before. That is how a product of matrices
comes to hold a tile of its result in registers, and how a sum becomes ``w`` sums that need not wait for each other.

Whether rounds depend on one another is not proved. The judge finds out.
"""

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from ._cpp import (
    ASSIGNING,
    Code,
    Count,
    Loop,
    Statement,
    UnreadError,
    assigned,
    braced,
    code_tokens,
    count_of,
    mentions,
    without_pragmas,
    words_of,
)
from ._cpp_values import Declaration, Sign, declaration, declares, kept, reductions, type_before
from ._token_changes import File
from ._tokens import C_LIKE, Token, tokens

WIDTHS = (2, 4, 8, 16, 32)
_LEFT = re.compile(r"_end\d+\Z")
"""Where a loop begins that goes through what lanes left over."""
_INSIDE = 0.6
"""How often lanes that are there already stay outside of new ones: then memory lies along the new ones."""
_LEAVING = frozenset({"return", "break", "continue", "goto", "throw", "co_return", "static", "__syncthreads"})
_WHOLE = frozenset({"int64_t", "int32_t", "int", "long", "size_t", "std::size_t", "std::int64_t", "uint64_t"})


class Spread(NamedTuple):
    """What stands for a name in a lane: ``name[...]...[lane]``, where the name has so many subscripts already."""

    name: str
    subscripts: int = 0
    lane: str = ""


def jam(file: File, rng: Random) -> str | None:
    """Let a loop around other loops take several steps at once; None where there is none."""
    code = Code(file)
    nests = [loop for loop in code.loops if not loop.innermost]
    return _widened(code, nests, rng, parted=rng.random() < 0.5)


def split(file: File, rng: Random) -> str | None:
    """Split what an innermost loop sums up, or takes the largest of, into several that are put together behind it."""
    code = Code(file)
    found = [(loop, kept(code, loop)) for loop in code.loops if loop.innermost]
    return _widened(code, [loop for loop, signs in found if signs and None not in signs.values()], rng, parted=True)


class Part(NamedTuple):
    """What is summed up in one variable a lane, and put together in the end."""

    name: str
    type: str
    sign: Sign
    array: str

    def before(self, over: str, lane: str, wide: str) -> list[str]:
        """Return the declaration of the lanes' variables; ``over`` begins a loop over the lanes."""
        if self.sign == "+":
            return [f"{self.type} {self.array}[{wide}] = {{}};"]
        first = "1" if self.sign == "*" else self.name
        return [f"{self.type} {self.array}[{wide}];", f"{over} {self.array}[{lane}] = {first};"]

    def behind(self, over: str, lane: str) -> str:
        """Return what puts them together."""
        part = f"{self.array}[{lane}]"
        if self.sign in "+*":
            return f"{over} {self.name} {self.sign}= {part};"
        return f"{over} {self.name} = {part} {self.sign} {self.name} ? {part} : {self.name};"


def _widened(code: Code, loops: Sequence[Loop], rng: Random, *, parted: bool) -> str | None:
    free = [loop for loop in loops if loop.counter.step == "1" and not _made(loop.counter)]
    if not free:
        return None
    loop, width, inside = rng.choice(free), rng.choice(WIDTHS), rng.random() < _INSIDE
    count = loop.counter
    wide, lane, end = code.fresh("wide"), code.fresh("lane"), code.fresh(f"{count.name}_end")
    found = [
        Part(name, type_before(code, name, loop.statement.start), sign, f"{name}_{lane}")
        for name, sign in (reductions(code, loop) if parted else {}).items()
    ]
    names = {count.name: Spread(f"({count.name} + {lane})")}
    names |= {part.name: Spread(part.array, 0, f"[{lane}]") for part in found}
    body = Lanes(code, loop, names, lane=lane, wide=wide, inside=inside).lines(loop.statement.body)
    span = count.high if count.low == "0" else f"({count.high} - ({count.low}))"
    over = f"for (int64_t {lane} = 0; {lane} < {wide}; {lane}++)"
    lines = [
        *(line for part in found for line in part.before(over, lane, wide)),
        f"const int64_t {end} = {count.high} - ({span}) % {wide};",
        *braced(f"for ({count.head(high=end, step=wide)})", body),
        *(part.behind(over, lane) for part in found),
        f"for ({count.head(low=end)}) {code.source(loop.statement.parts[0])}",
    ]
    return code.replaced(loop, lines, {wide: width})


def _made(count: Count) -> bool:
    """Return whether a loop is one over lanes, or over what they left."""
    return count.name.startswith("lane") or _LEFT.search(count.low) is not None


class Lanes:
    """Puts the body of a loop in lanes.

    Args:
        code: the file.
        loop: whose body it is.
        names: what stands for the loop's variable, and for what is summed in parts.
        lane: name of the lanes' variable.
        wide: name of the constant that says how many there are.
        inside: whether lanes that are there already stay outside of the new ones.
    """

    def __init__(self, code: Code, loop: Loop, names: Mapping[str, Spread], *, lane: str, wide: str, inside: bool):
        self._code, self._loop, self._names = code, loop, dict(names)
        self._lane, self._wide, self._inside = lane, wide, inside
        self._text = code.inner(loop.statement)
        self._changed = assigned(self._text)
        if not words_of(self._text).isdisjoint(_LEAVING):
            raise UnreadError("a body that is left before its end, or in which others are waited for")

    def lines(self, statements: Sequence[Statement]) -> list[str]:
        """Return the statements in lanes. Raises UnreadError where that cannot be."""
        found: list[str] = []
        group: list[Statement] = []
        for each in statements:
            if not self._around(each):
                group.append(each)
                continue
            found += self._grouped(group)
            group = []
            found += self._nested(each)
        return found + self._grouped(group)

    def _around(self, statement: Statement) -> bool:
        """Return whether a statement stays around the lanes: a loop or a branch that is the same for all of them."""
        if statement.kind == "block":
            return True
        loops = statement.kind == "for" or (
            statement.kind == "if" and any(each.kind == "for" for each in statement.walk())
        )
        if not loops or mentions(statement.head, self._names):
            return False
        count = count_of(statement.head)
        return self._inside or count is None or not count.name.startswith("lane")

    def _nested(self, statement: Statement) -> list[str]:
        if statement.kind == "block":
            return braced("", self.lines(statement.parts))
        word = f"{statement.kind} ({statement.head})"
        found = braced(word, self.lines(statement.body))
        for part in statement.parts[1:]:
            found += braced("else", self.lines(part.parts if part.kind == "block" else (part,)))
        return found

    def _grouped(self, group: Sequence[Statement]) -> list[str]:
        """Return neighbouring statements as one loop over the lanes, behind what they declare for others."""
        if not group:
            return []
        outside = self._outside(group)
        text = "".join(self._code.source(each) for each in group)
        if not (assigned(text) - self._names.keys()).isdisjoint(outside):
            raise UnreadError("a value that goes from one part of the body to another and is not one of a lane")
        ahead: list[str] = []
        inside: list[str] = []
        for statement in group:
            source = without_pragmas(self._code.source(statement))
            declared = declaration(source) if statement.kind == "plain" else None
            if declared is None:
                if statement.kind == "plain" and declares(source):
                    raise UnreadError("a declaration of a form that cannot be put in lanes")
                inside.append(self._spread(source))
            elif declared.name not in outside:
                inside.append(self._spread(source))
            else:
                before, within = self._expanded(declared, source)
                ahead += before
                inside += within
        if not inside:
            return ahead
        head = f"for (int64_t {self._lane} = 0; {self._lane} < {self._wide}; {self._lane}++)"
        plain = all(each.kind not in ("for", "while", "do") for top in group for each in top.walk())
        apart = assigned(text) <= self._names.keys() and not _shares("\n".join(inside), self._lane)
        pragma = "#pragma unroll" if self._code.is_cuda else "#pragma omp simd"
        return [*ahead, *([pragma] if plain and apart else []), *braced(head, inside)]

    def _outside(self, group: Sequence[Statement]) -> set[str]:
        """Return the names that the rest of the body speaks of."""
        text, whole = self._code.text, self._loop.statement.parts[0]
        return words_of(text[whole.start : group[0].start]) | words_of(text[group[-1].end : whole.end])

    def _expanded(self, declared: Declaration, source: str) -> tuple[list[str], list[str]]:
        """Return a declaration for all lanes: what comes before the loop over them, and what it begins with there."""
        name, value = declared.name, declared.value
        told = self._spread(value) if value is not None else None
        fixed = name not in self._changed
        if value is not None and fixed and not declared.shape and not mentions(value, self._names):
            return [source], []
        if fixed and told is not None and not declared.shape and ("*" in declared.point or declared.type in _WHOLE):
            self._names[name] = Spread(f"({told})")
            return [], []
        if "*" in declared.point or (declared.shape and value not in (None, "{}", "{0}")):
            raise UnreadError("an array of pointers, or one with values")
        if not declared.shape:
            self._names[name] = Spread(name, 0, f"[{self._lane}]")
            begin = [] if told is None else [f"{name}[{self._lane}] = {told};"]
            return [f"{declared.type} {name}[{self._wide}];"], begin
        subscripts = declared.shape.count("[") if self._inside else 0
        self._names[name] = Spread(name, subscripts, f"[{self._lane}]")
        wide = f"[{self._wide}]"
        shape = declared.shape + wide if self._inside else wide + declared.shape
        return [f"{declared.type} {name}{shape}" + ("" if value is None else " = {}") + ";"], []

    def _spread(self, text: str) -> str:
        return spread(text, self._names)


def spread(text: str, names: Mapping[str, Spread]) -> str:
    """Return a text with names as their lanes have them. Raises UnreadError where an array is spoken of as a whole."""
    found = tokens(text, C_LIKE)
    told: list[str] = []
    at = 0
    while at < len(found):
        token = found[at]
        at += 1
        if token.kind != "word" or token.text not in names or (told and told[-1] in (".", "->", "::")):
            told.append(token.text)
            continue
        place = names[token.text]
        told.append(place.name)
        for _ in range(place.subscripts):
            end = _subscript(found, at)
            told.append(spread("".join(each.text for each in found[at:end]), names))
            at = end
        told.append(place.lane)
    return "".join(told)


def _subscript(found: Sequence[Token], at: int) -> int:
    """Return the position behind the subscript that begins at ``at``."""
    depth = 0
    for position in range(at, len(found)):
        depth += (found[position].text == "[") - (found[position].text == "]")
        if depth == 0 and found[position].text == "]":
            return position + 1
        if depth == 0:
            break
    raise UnreadError("an array without its subscript")


def _shares(text: str, lane: str) -> bool:
    """Return whether lanes may change the same element: no subscript says which is whose, or another array does."""
    code = code_tokens(text)
    for at, token in enumerate(code):
        if token.text not in ASSIGNING or not at or code[at - 1].text != "]":
            continue
        first = at - 1
        while code[first].text == "]":
            depth = 0
            while first >= 0:
                depth += (code[first].text == "]") - (code[first].text == "[")
                first -= 1
                if depth == 0:
                    break
        within = [each.text for each in code[first + 1 : at]]
        if lane not in within or (token.text != "=" and _deepest(within) > 1):
            return True
    return False


def _deepest(signs: Sequence[str]) -> int:
    depth = most = 0
    for sign in signs:
        depth += (sign == "[") - (sign == "]")
        most = max(most, depth)
    return most
