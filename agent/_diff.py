"""SEARCH/REPLACE blocks: how a model edits a file without repeating it, and how such edits are applied.

A block looks like this (markers of five or more signs, alone on their lines)::

    <<<<<<< SEARCH
    lines as they are
    =======
    lines as they should be
    >>>>>>> REPLACE

Pure text in, pure text out: nothing here knows of models or candidates.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from ._blocks import free_regions
from ._places import Place, bare, nearest, places_of

_OPEN = re.compile(r"^\s*<{5,}\s*SEARCH\s*$")
_MIDDLE = re.compile(r"^\s*={5,}\s*$")
_CLOSE = re.compile(r"^\s*>{5,}\s*REPLACE\s*$")
_MOST_TOLD = 3
"""Blocks, or places, that one message names."""
_MOST_SHOWN = 40
"""Lines of the file that are shown with a message."""
_COPY = "Copy whole lines exactly as they are in the file"


class Block(NamedTuple):
    """One edit, as lines without their line ends."""

    search: tuple[str, ...]
    replace: tuple[str, ...]


class DiffError(ValueError):
    """The blocks are malformed or do not fit the file. The message is written for the author of the diff.

    Args:
        message: in its author's own words and line numbers; nothing of the file.
        excerpt: the lines of the file that come nearest; untrusted text, to be quoted.
    """

    def __init__(self, message: str, excerpt: str = ""):
        super().__init__(message)
        self.excerpt = excerpt


def has_blocks(text: str) -> bool:
    """Return whether ``text`` has a line that opens a SEARCH block."""
    return any(_OPEN.match(line) for line in text.split("\n"))


def parse_blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of ``text`` in order; whatever stands between them is passed over.

    Raises:
        DiffError: a block is not closed, or its markers come in another order.
    """
    blocks: list[Block] = []
    search: list[str] = []
    replace: list[str] = []
    state = "outside"
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if _OPEN.match(line):
            if state != "outside":
                raise DiffError(f"line {number} opens a SEARCH block inside block {len(blocks) + 1}")
            state, search, replace = "search", [], []
        elif state == "search" and _MIDDLE.match(line):
            state = "replace"
        elif state == "replace" and _CLOSE.match(line):
            blocks.append(Block(tuple(search), tuple(replace)))
            state = "outside"
        elif state == "search":
            search.append(line)
        elif state == "replace":
            replace.append(line)
    if state != "outside":
        missing = "=======" if state == "search" else ">>>>>>> REPLACE"
        raise DiffError(f"block {len(blocks) + 1} is not finished: expected a line {missing}")
    return tuple(blocks)


def apply_blocks(source: str, blocks: Sequence[Block]) -> str:
    """Return ``source`` after all ``blocks``; see ``apply_to_files``."""
    return apply_to_files({"the file": source}, blocks)["the file"]


def apply_to_files(files: Mapping[str, str], blocks: Sequence[Block]) -> dict[str, str]:
    """Return the files' texts by path after all ``blocks``, one after the other.

    Each SEARCH must be in one place of one file (``_places`` says how exactly). What it quotes and REPLACE keeps may
    be slightly wrong and stays as it is in the file; a line that is to change must be there, blanks apart. New
    lines are indented as their place is. Where two places fit, one in an EVOLVE block goes before one outside.

    Raises:
        DiffError: a SEARCH is empty, is nowhere or in several places; says so of each block that does not fit.
    """
    texts = dict(files)
    refused: list[DiffError] = []
    for number, block in enumerate(blocks, start=1):
        try:
            path, place = _found(texts, block, number)
            lines = _lines(texts[path])
            texts[path] = "\n".join(_edited(lines, block, place, number)) + "\n"
        except DiffError as error:
            refused.append(error)
    if refused:
        told = "; ".join(f"{error}" for error in refused[:_MOST_TOLD])
        raise DiffError(told, next((error.excerpt for error in refused if error.excerpt), ""))
    return texts


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _found(texts: Mapping[str, str], block: Block, number: int) -> tuple[str, Place]:
    """Return the one place of a block's SEARCH part. Raises DiffError."""
    if not any(line.strip() for line in block.search):
        raise DiffError(f"block {number} has an empty SEARCH part: quote at least one line of the file")
    found = [(path, place) for path, text in texts.items() for place in places_of(block.search, _lines(text))]
    reading = min((place.reading for _, place in found), default=0)
    strictest = [(path, place) for path, place in found if place.reading == reading]
    free = [(path, place) for path, place in strictest if _may_change(texts[path], place)]
    fitting = free if len(free) == 1 else strictest
    if not fitting:
        raise _nowhere(texts, block, number)
    if len(fitting) > 1:
        where = ", ".join(f"line {place.first + 1} of {path}" for path, place in fitting[:_MOST_TOLD])
        raise DiffError(
            f"the SEARCH part of block {number} matches {len(fitting)} places ({where}); its first line is "
            f"{_short(block.search[0])}. Quote more lines around it so that it matches one"
        )
    return fitting[0]


def _may_change(text: str, place: Place) -> bool:
    """Return whether any line of a place is in an EVOLVE block."""
    text = "\n".join(_lines(text))
    starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    start, end = starts[place.first], starts[place.last + 1]
    return any(region.start < end and start < region.end for region in free_regions(text))


def _nowhere(texts: Mapping[str, str], block: Block, number: int) -> DiffError:
    """Say why a SEARCH part is nowhere, and what comes nearest to it."""
    told = f"the SEARCH part of block {number} matches nothing in the file"
    ranked = [(place, path) for path, text in texts.items() if (place := nearest(block.search, _lines(text)))]
    if not ranked:
        return DiffError(f"{told}: not one line is like its first, {_short(block.search[0])}. {_COPY}")
    place, path = min(ranked, key=lambda each: (each[0].wrong, each[1]))
    lines, quoted = _lines(texts[path]), sum(bool(line.strip()) for line in block.search)
    odd = next(
        line
        for line, spot in zip(block.search, place.spots, strict=True)
        if line.strip() and (spot is None or bare(line) != bare(lines[spot]))
    )
    span = f"lines {place.first + 1} to {place.last + 1}" if place.last > place.first else f"line {place.first + 1}"
    where = f"{span} of {path}"
    agree = f"{place.agreeing} of its {quoted} lines agree with {where}, {_short(odd)} does not"
    return DiffError(f"{told}: {agree}. {_COPY}", _excerpt(lines, place))


def _excerpt(lines: Sequence[str], place: Place) -> str:
    return "\n".join(lines[max(0, place.first - 1) : place.last + 2][:_MOST_SHOWN])


def _edited(lines: list[str], block: Block, place: Place, number: int) -> list[str]:
    """Return ``lines`` with the block's changes made in the place: what it keeps stays as the file has it."""
    search, replace = [[line.rstrip() for line in part] for part in block]
    indents = _Indents(block.search, place, lines)
    new, at = lines[: place.first], place.first
    for tag, i, j, k, m in SequenceMatcher(None, search, replace, autojunk=False).get_opcodes():
        spots = [spot for spot in place.spots[i:j] if spot is not None]
        if spots:
            # Lines of the file that the quotation passes over stay.
            new += lines[at : spots[-1] + 1] if tag == "equal" else lines[at : spots[0]]
            at = spots[-1] + 1
        if tag == "equal":
            continue
        for line, spot in zip(search[i:j], place.spots[i:j], strict=True):
            if line.strip() and (spot is None or bare(line) != bare(lines[spot])):
                told = f"block {number} changes a line that is not in the file as quoted: {_short(line)}. {_COPY}"
                raise DiffError(told, _excerpt(lines, place))
        if spots and any(lines[n].strip() for n in range(spots[0], at) if n not in spots):
            told = f"the SEARCH part of block {number} leaves out lines that are between those it changes. {_COPY}"
            raise DiffError(told, _excerpt(lines, place))
        added = block.replace[k:m]
        if any(line.strip() and _lead(line) in indents.torn for line in added):
            told = f"block {number} indents its lines otherwise than the file does, so its new lines have no one place"
            raise DiffError(f"{told}. {_COPY}", _excerpt(lines, place))
        new += [indents.applied(line) for line in added]
    return new + lines[at:]


class _Indents:
    """How the indentation of a quotation is that of its place.

    Args:
        quoted: lines as their author wrote them.
        place: where they are.
        lines: of the file.
    """

    def __init__(self, quoted: Sequence[str], place: Place, lines: Sequence[str]):
        self._known: dict[str, str] = {}
        self.torn: set[str] = set()
        """What the author indents alike and the file does not."""
        for line, spot in zip(quoted, place.spots, strict=True):
            if spot is not None and line.strip():
                there = self._known.setdefault(_lead(line), _lead(lines[spot]))
                self.torn |= {_lead(line)} if there != _lead(lines[spot]) else set()
        low, high = min(self._known, key=len), max(self._known, key=len)
        theirs = len(self._known[high]) - len(self._known[low])
        self._scale = theirs / (len(high) - len(low)) if len(high) > len(low) and theirs > 0 else 1.0
        """Blanks of the file for one of the author's."""

    def applied(self, line: str) -> str:
        """Return a new line of the author's, indented as the lines around its place are."""
        lead = _lead(line)
        if not line.strip() or all(ours == theirs for ours, theirs in self._known.items()):
            return line
        if lead in self._known:
            return self._known[lead] + line.lstrip()
        shorter = [known for known in self._known if len(known) < len(lead)]
        base = max(shorter, key=len) if shorter else min(self._known, key=len)
        there, more = self._known[base], round((len(lead) - len(base)) * self._scale)
        blank = "\t" if "\t" in "".join(self._known.values()) else " "
        return (there + blank * more if more >= 0 else there[:more]) + line.lstrip()


def _lead(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _short(line: str) -> str:
    return repr(line if len(line) <= 80 else f"{line[:77]}...")
