"""Where in a file the lines are that an author quotes, though the quotation may be slightly wrong. Pure.

Four readings, strictest first; the first that fits anywhere decides, and must fit once:

    exact      the lines as they are
    shifted    without regard to trailing blanks and to the indentation that all lines share
    spaced     without regard to blanks within lines, to indentation and to blank lines
    near       some lines are others, missing or left out: one place is at least three quarters as quoted, and no
               other is even half as quoted
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_MOST_WRONG = 0.25
"""Share of the quoted lines that may be wrong in the place that is taken."""
_RIVAL = 0.5
"""A second place with no more wrong than this makes the quotation ambiguous."""
_PASSED = 0.5
"""What a line of the file that the quotation leaves out counts for, where a wrong one counts 1."""
_CELLS = 200_000
"""Pairs of lines that are compared at most for a near place: a tenth of a second."""
_WORDS = re.compile(r"\w+|[^\w\s]")

Lines = Sequence[str]


class Place(NamedTuple):
    """Where a quotation is."""

    spots: tuple[int | None, ...]
    """For each quoted line the file's line, from 0; None where the file has none like it, and for blank lines."""
    first: int
    last: int
    """Lines it spans, the last one included."""
    agreeing: int
    """How many of the quoted lines that are not blank are in the file as they are, blanks apart."""
    wrong: float = 0.0
    """Share of those that are not, where a line that is nearly the same counts for less."""
    reading: int = 0
    """Which reading found it, 0 for the strictest."""


def places_of(quoted: Lines, lines: Lines) -> list[Place]:
    """Return the places of ``quoted`` in ``lines`` by the strictest reading that fits: none, one or several.

    >>> [place.first for place in places_of(["b", "c"], ["a", "  b", "  c"])]
    [1]
    """
    readings = (_exact, _shifted, _spaced)
    for number, reading in enumerate(readings):
        found = reading(quoted, lines)
        if found:
            return [place._replace(reading=number) for place in found]
    near = _ranked(quoted, lines)
    close = [place for place in near if place.wrong <= _RIVAL]
    fits = len(close) == 1 and close[0].wrong <= _MOST_WRONG and 2 * close[0].agreeing >= len(_told(quoted))
    return [close[0]._replace(reading=len(readings))] if fits else []


def nearest(quoted: Lines, lines: Lines) -> Place | None:
    """Return the place that is most like ``quoted``, for a message; None where not one line agrees."""
    ranked = _ranked(quoted, lines)
    return ranked[0] if ranked and ranked[0].agreeing else None


def bare(line: str) -> str:
    """Return a line without regard to its blanks: each run of them is one, and none at the ends."""
    return " ".join(line.split())


def indent_of(lines: Lines) -> str:
    """Return the leading blanks that all lines share that are not blank."""
    leads = [line[: len(line) - len(line.lstrip())] for line in lines if line.strip()]
    if not leads:
        return ""
    low, high = min(leads), max(leads)
    size = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:size]


def _exact(quoted: Lines, lines: Lines) -> list[Place]:
    size = len(quoted)
    return [_whole(at, quoted) for at in range(len(lines) - size + 1) if list(lines[at : at + size]) == list(quoted)]


def _shifted(quoted: Lines, lines: Lines) -> list[Place]:
    size, wanted = len(quoted), _dedented(quoted)
    inner, texts = [line.strip() for line in quoted], [line.strip() for line in lines]
    # Indentation is compared only where all else agrees: this runs over the whole file.
    likely = [at for at in range(len(lines) - size + 1) if texts[at : at + size] == inner]
    return [_whole(at, quoted) for at in likely if _dedented(lines[at : at + size]) == wanted]


def _dedented(lines: Lines) -> list[str]:
    lead = len(indent_of(lines))
    return [line[lead:].rstrip() for line in lines]


def _whole(at: int, quoted: Lines) -> Place:
    return Place(tuple(range(at, at + len(quoted))), at, at + len(quoted) - 1, len(_told(quoted)))


def _spaced(quoted: Lines, lines: Lines) -> list[Place]:
    wanted, there = [bare(quoted[n]) for n in _told(quoted)], _told(lines)
    size, texts = len(wanted), [bare(lines[n]) for n in there]
    return [
        _placed(quoted, dict(zip(_told(quoted), there[at : at + size], strict=True)), size)
        for at in range(len(texts) - size + 1)
        if texts[at : at + size] == wanted
    ]


def _told(lines: Lines) -> list[int]:
    """Return the numbers of the lines that are not blank."""
    return [number for number, line in enumerate(lines) if line.strip()]


def _placed(quoted: Lines, pairs: dict[int, int], agreeing: int, wrong: float = 0.0) -> Place:
    spots = tuple(pairs.get(number) for number in range(len(quoted)))
    return Place(spots, min(pairs.values()), max(pairs.values()), agreeing, wrong)


class _Cell(NamedTuple):
    """The cheapest way to read the first quoted lines so that the reading ends at a line of the file."""

    cost: float
    start: int
    """First line of the file that it takes, among those that are not blank; behind the last where it took none."""
    step: str
    """What it ended with: ``pair``, ``quoted`` (no line of the file is like it), ``passed`` (a line not quoted)."""


def _ranked(quoted: Lines, lines: Lines) -> list[Place]:
    """Return places that do not overlap, most like ``quoted`` first."""
    ours, there = _told(quoted), _told(lines)
    if not ours or not there or len(ours) * len(there) > _CELLS:
        return []
    table = _table([bare(quoted[n]) for n in ours], [bare(lines[n]) for n in there])
    found: list[Place] = []
    taken: list[tuple[int, int]] = []
    for end in sorted(range(1, len(there) + 1), key=lambda column: (table[-1][column].cost, column)):
        start = table[-1][end].start
        if len(found) == 2 or start >= end:
            break
        if any(start < stop and begin < end for begin, stop in taken):
            continue
        taken.append((start, end))
        pairs = {ours[i]: there[j] for i, j in _path(table, end)}
        if pairs:
            agreeing = sum(bare(quoted[i]) == bare(lines[j]) for i, j in pairs.items())
            found.append(_placed(quoted, pairs, agreeing, table[-1][end].cost / len(ours)))
    return found


def _table(quoted: list[str], lines: list[str]) -> list[list[_Cell]]:
    """Return the cells of aligning ``quoted``, row by row, with any stretch of ``lines``."""
    words = [Counter(_WORDS.findall(line)) for line in lines]
    rows = [[_Cell(0.0, column, "") for column in range(len(lines) + 1)]]
    for line in quoted:
        own, above = Counter(_WORDS.findall(line)), rows[-1]
        row = [_Cell(above[0].cost + 1.0, 0, "quoted")]
        for column, text in enumerate(lines):
            differs = 0.0 if text == line else _difference(own, words[column])
            row.append(
                min(
                    _Cell(above[column].cost + differs, above[column].start, "pair"),
                    _Cell(above[column + 1].cost + 1.0, above[column + 1].start, "quoted"),
                    _Cell(row[column].cost + _PASSED, row[column].start, "passed"),
                )
            )
        rows.append(row)
    return rows


def _difference(own: "Counter[str]", other: "Counter[str]") -> float:
    """Return the share of the words of two lines that they do not have in common, at least something."""
    shared = sum(min(count, other[word]) for word, count in own.items() if word in other)
    total = own.total() + other.total()
    return max(0.05, 1.0 - 2.0 * shared / total) if total else 1.0


def _path(table: list[list[_Cell]], end: int) -> list[tuple[int, int]]:
    """Return the pairs (quoted line, line of the file) that are alike by half, of the reading that ends at ``end``."""
    pairs, row, column = [], len(table) - 1, end
    while row > 0:
        cell = table[row][column]
        if cell.step == "pair":
            if cell.cost - table[row - 1][column - 1].cost <= 0.5:
                pairs.append((row - 1, column - 1))
            row, column = row - 1, column - 1
        elif cell.step == "quoted":
            row -= 1
        else:
            column -= 1
    return pairs
