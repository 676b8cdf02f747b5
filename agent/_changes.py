"""What sets a child apart from its parent, in a few fixed phrases: so that like changes can be counted together.

Pure, and the same for every language: programs are compared as tokens. Only the problem's own words, numbers, and
functions that neither program defines are spoken of, so that what an author calls its variables does not matter.
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, Problem

from ._tokens import Token, grammar_of, tokens

MOST = 12
"""Phrases for one child: what rewrites more than that tells nothing of any of them."""
_WORD = re.compile(r"`([A-Za-z_]\w*)")
_LONGER = 1.1
"""Tokens of the longer program to those of the shorter one, from which on it is called longer."""
_CALLED = 32
"""Most characters of the name of a function that is spoken of."""
_CONSTANT = re.compile(r"^([^\W\d]\w{0,31})[ \t]*=[ \t]*(-?)([\d.][\w.+-]{0,31})[ \t]*$", re.MULTILINE)
"""A line that sets a name to a number and does nothing else."""
_END = Token("sign", "", 0)
_DEFINES = frozenset(("def", "class", "fn", "func", "function", "import", "from", "as"))
_FLOW = frozenset((*keyword.kwlist, "switch", "catch", "sizeof", "function"))


class Words(NamedTuple):
    """The problem's own words."""

    functions: frozenset[str]
    """That a design must define."""
    known: frozenset[str]
    """Whatever the interface names: quantities, constants, arguments."""

    @classmethod
    def of(cls, problem: Problem[Any]) -> "Words":
        """Return the words of a problem's interface."""
        interface = problem.interface
        named = frozenset(_WORD.findall(interface.description()))
        # A hook's arguments are records: what counts is which of their fields is read.
        records = frozenset(re.findall(r"\w+", " ".join(interface.signatures()))) if interface.kind == "policy" else ()
        return cls(frozenset(interface.defines), named.difference(records))


class _Outline(NamedTuple):
    """A program as far as changes are spoken of."""

    shape: tuple[str, ...]
    """Its tokens, with a placeholder for each number."""
    numbers: tuple[float, ...]
    owners: tuple[str, ...]
    """Of each number: a constant's name, or the function it is in."""
    uses: Mapping[tuple[str, str], int]
    """How often each function names each word of the problem."""
    calls: Mapping[tuple[str, str], int]
    """How often each function calls one that is defined elsewhere."""


def changes(parent: Candidate, child: Candidate, words: Words) -> tuple[str, ...]:
    """Return what sets ``child`` apart, at most ``MOST`` phrases; none where the two have other files.

    >>> words = Words(frozenset(("key",)), frozenset(("age", "size")))
    >>> before = Candidate.from_source("def key(job):\\n    return job.age * 2\\n")
    >>> changes(before, Candidate.from_source("def key(job):\\n    return job.size * 2\\n"), words)
    ('`key` uses `age` less', '`key` uses `size` more')
    >>> changes(before, Candidate.from_source("def key(job):\\n    return job.age * 3\\n"), words)
    ('a number in `key` made larger',)
    """
    if [file.path for file in parent.files] != [file.path for file in child.files]:
        return ()
    found: dict[str, None] = {}
    for old, new in zip(parent.files, child.files, strict=True):
        if old.text != new.text:
            before = _outline(old.path, old.text, parent.language, words)
            after = _outline(new.path, new.text, child.language, words)
            found.update(dict.fromkeys(_told(before, after)))
    return tuple(found)[:MOST]


def _told(before: _Outline, after: _Outline) -> Iterator[str]:
    yield from _moved(before, after)
    for verb, old, new in (("uses", before.uses, after.uses), ("calls", before.calls, after.calls)):
        for function, word in sorted(old.keys() | new.keys()):
            more = new.get((function, word), 0) - old.get((function, word), 0)
            if more:
                yield f"{function} {verb} `{word}` {'more' if more > 0 else 'less'}"
    sizes = len(before.shape), len(after.shape)
    if max(sizes) >= _LONGER * min(sizes):
        yield "the program made longer" if sizes[1] > sizes[0] else "the program made shorter"


def _moved(before: _Outline, after: _Outline) -> Iterator[str]:
    """Yield which numbers were moved, and which way: named constants, and all where nothing else was changed."""
    pairs: list[tuple[str, float, float]] = []
    if before.shape == after.shape:
        pairs = list(zip(before.owners, before.numbers, after.numbers, strict=True))
    else:
        old, new = (dict(zip(each.owners, each.numbers, strict=True)) for each in (before, after))
        pairs = [(owner, old[owner], new[owner]) for owner in old if owner in new and _is_constant(owner)]
    for owner, was, now in pairs:
        if was != now:
            what = owner if _is_constant(owner) else f"a number in {owner}"
            yield f"{what} made {'larger' if now > was else 'smaller'}"


def _is_constant(owner: str) -> bool:
    return owner.startswith("constant ")


@lru_cache(maxsize=256)
def _outline(path: str, text: str, language: str, words: Words) -> _Outline:
    found = [token for token in tokens(text, grammar_of(path, language)) if token.kind not in ("blank", "quiet")]
    constants = {match.start(3): match for match in _CONSTANT.finditer(text)}
    numbers: list[tuple[str, float]] = []
    uses: Counter[tuple[str, str]] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    own = set()
    place, before = "the program", ""
    for token, after in zip(found, (*found[1:], _END), strict=False):
        if token.kind == "number":
            value = _value(token.text)
            if value is not None:
                named = constants.get(token.start)
                owner = f"constant `{named[1]}`" if named else place
                numbers.append((owner, -value if named and named[2] else value))
        elif before in _DEFINES:
            own.add(token.text)
            if before == "def" and text.rfind("\n", 0, token.start) == token.start - len("\ndef "):
                place = f"`{token.text}`" if token.text in words.functions else "the program"
        elif token.kind == "word":
            word = token.text.lstrip(".")
            if word in words.known and word not in words.functions:
                uses[place, word] += 1
            elif after.text == "(" and word not in _FLOW and len(word) <= _CALLED:
                calls[place, word] += 1
        before = token.text
    return _Outline(
        tuple("0" if token.kind == "number" else token.text for token in found),
        tuple(value for _, value in numbers),
        tuple(owner for owner, _ in numbers),
        uses,
        {call: count for call, count in calls.items() if call[1] not in own and call[1] not in words.functions},
    )


def _value(text: str) -> float | None:
    try:
        return float(text) if not text.lower().startswith("0x") else float(int(text, 16))
    except ValueError:
        return None
