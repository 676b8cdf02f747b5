"""The numbers of a design that may be tuned, and the design with others in their places. Any language; pure.

Python is read as a syntax tree, any other language as tokens. What lies outside EVOLVE blocks, in comments and in
strings is no place, and neither is a number that says where something is (an index) or stands for infinity.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from speciate.evaluators import Candidate, SourceFile

from ._blocks import has_blocks
from ._digits import USUAL, as_fine, digits_of
from ._python_changes import is_named, is_structural
from ._python_source import Source, edited
from ._token_changes import NUMBER, File
from ._tokens import Grammar, grammar_of

_LEAST = 1e-8
"""Numbers below this keep something from being zero; how small they are does not matter."""
_MOST = 1e12
_NAMING = frozenset({"=", ":", ":="})


class Literal(NamedTuple):
    """A number in the text of a design."""

    file: int
    start: int
    end: int
    value: float
    whole: bool
    """Whether it is written as a whole number, and stays one."""
    named: bool
    """Whether it has a name of its own."""
    suffix: str = ""
    """What follows its digits, as the ``f`` of ``1.5f``."""
    doubles: bool = False
    """Whether it is a size that stays a power of two."""
    digits: int = USUAL
    """Significant digits that it is written with."""

    def nearest(self, value: float) -> float:
        """Return the number that may stand here and is nearest to ``value``: of as many digits, or a whole one.

        It would be found here again: a nameless number does not become zero, and none negative.
        """
        least, most = 0.0 if self.named else 1.0 if self.whole else _LEAST, _MOST / 2
        if self.doubles:
            return float(2 ** max(0, round(math.log2(min(max(value, 1.0), most)))))
        if self.whole:
            return float(round(min(max(value, least), most)))
        return least if value < _LEAST else as_fine(min(value, most), self.digits)

    def text(self, value: float) -> str:
        """Return how ``value`` is written here."""
        return f"{round(value) if self.whole else value!r}{self.suffix}"


@dataclass(frozen=True)
class Constants:
    """A design as the text around its numbers, and these."""

    candidate: Candidate
    literals: tuple[Literal, ...]
    """By file and place."""
    skeleton: tuple[str, ...]
    """What is the same in all designs that differ in these numbers alone."""

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers, in order."""
        return tuple(literal.value for literal in self.literals)

    def written(self, values: Sequence[float]) -> Candidate:
        """Return the design with ``values`` in the places of its numbers; each as ``Literal.nearest`` has it."""
        texts = [file.text for file in self.candidate.files]
        for literal, value in reversed(list(zip(self.literals, values, strict=True))):
            if value != literal.value:
                new = literal.text(literal.nearest(value))
                texts[literal.file] = edited(texts[literal.file], literal.start, literal.end, new)
        files = [SourceFile(path=file.path, text=new) for file, new in zip(self.candidate.files, texts, strict=True)]
        return Candidate(files=tuple(files), language=self.candidate.language)


@lru_cache(maxsize=512)
def constants_of(candidate: Candidate, changeable: frozenset[str]) -> Constants:
    """Return the numbers of a candidate in the files whose paths are ``changeable``; of one that does not parse none.

    >>> found = constants_of(Candidate.from_source("RATE = 0.5\\n"), frozenset({"candidate.py"}))
    >>> found.values, found.written([0.25]).source
    ((0.5,), 'RATE = 0.25\\n')
    """
    literals: list[Literal] = []
    skeleton = [candidate.language]
    for number, file in enumerate(candidate.files):
        found = list(_literals(number, file, candidate)) if file.path in changeable else []
        literals += found
        at = 0
        for literal in found:
            skeleton.append(file.text[at : literal.start])
            at = literal.end
        skeleton += [file.text[at:], file.path]
    return Constants(candidate, tuple(literals), tuple(skeleton))


def changeable_files(seed: Candidate) -> frozenset[str]:
    """Return the paths of the files that may change: those with EVOLVE blocks where any has them, else all."""
    marked = [file.path for file in seed.files if has_blocks(file.text)]
    return frozenset(marked or (file.path for file in seed.files))


def is_python(file: SourceFile, candidate: Candidate) -> bool:
    """Return whether a file is Python, by its name or else by its candidate's language."""
    name = file.path.rsplit("/", 1)[-1]
    return name.endswith(".py") or (candidate.language == "python" and "." not in name)


def _literals(number: int, file: SourceFile, candidate: Candidate) -> Iterator[Literal]:
    if is_python(file, candidate):
        yield from _of_python(number, file.text)
    else:
        yield from _of_tokens(number, file, grammar_of(file.path, candidate.language))


def _of_python(number: int, text: str) -> Iterator[Literal]:
    try:
        source = Source(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for place in source.places:
        value = getattr(place.node, "value", None)
        if place.role != "literal" or is_structural(place) or not isinstance(value, int | float):
            continue
        if _tunable(value, is_named(place)):
            digits = digits_of(text[place.start : place.end])
            whole, named = isinstance(value, int), is_named(place)
            yield Literal(number, place.start, place.end, float(value), whole, named, digits=digits)


def _of_tokens(number: int, file: SourceFile, grammar: Grammar) -> Iterator[Literal]:
    parts = File(file.path, file.text, grammar)
    for position in parts.free:
        token = parts.tokens[position]
        match = NUMBER.match(token.text) if token.kind == "number" else None
        if match is None or match["digits"].lower().startswith("0x") or match["digits"].count(".") > 1:
            continue
        before = [each.text for each in parts.tokens[max(0, position - 4) : position] if each.kind != "blank"]
        after = parts.tokens[position + 1].text if position + 1 < len(parts.tokens) else ""
        if (before and before[-1] == "[") or after == "]":
            continue
        whole, value = match["digits"].isdigit(), float(match["digits"])
        named = bool(before) and (before[-1] in _NAMING or before[-2:-1] == ["define"])
        if _tunable(value, named):
            doubles = whole and value >= 16 and int(value) & (int(value) - 1) == 0
            digits = digits_of(match["digits"])
            yield Literal(number, token.start, token.end, value, whole, named, match["suffix"], doubles, digits)


def _tunable(value: float, named: bool) -> bool:
    """Return whether a number is worth tuning: a nameless zero is where a sum begins."""
    return named if value == 0 else _LEAST <= abs(value) < _MOST
