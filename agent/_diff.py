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
from collections.abc import Sequence
from typing import NamedTuple

_OPEN = re.compile(r"^\s*<{5,}\s*SEARCH\s*$")
_MIDDLE = re.compile(r"^\s*={5,}\s*$")
_CLOSE = re.compile(r"^\s*>{5,}\s*REPLACE\s*$")


class Block(NamedTuple):
    """One edit, as lines without their line ends."""

    search: tuple[str, ...]
    replace: tuple[str, ...]


class DiffError(ValueError):
    """The blocks are malformed or do not fit the file. The message is written for the author of the diff."""


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


def apply_blocks(source: str, blocks: tuple[Block, ...], first: int = 1) -> str:
    """Return ``source`` after all ``blocks``, one after the other.

    Each SEARCH must match exactly one place: first exactly, then without regard to trailing blanks and to a
    common indentation, in which case the replacement is indented like the place it goes to. ``first`` is the
    number of the first block in messages.

    Raises:
        DiffError: a SEARCH is empty, matches nowhere, or matches several places.
    """
    lines = source.replace("\r\n", "\n").removesuffix("\n").split("\n")
    for number, block in enumerate(blocks, start=first):
        lines = _apply(lines, block, number)
    return "\n".join(lines) + "\n"


def apply_to_files(texts: Sequence[str], blocks: tuple[Block, ...]) -> list[str]:
    """Return the files' texts after all ``blocks``, each applied to the one file that its SEARCH part is in.

    Raises:
        DiffError: as ``apply_blocks``, and where a SEARCH part matches in several files.
    """
    found = list(texts)
    for number, block in enumerate(blocks, start=1):
        fitting: list[tuple[int, str]] = []
        refused: list[DiffError] = []
        for index, text in enumerate(found):
            try:
                fitting.append((index, apply_blocks(text, (block,), number)))
            except DiffError as error:
                refused.append(error)
        if not fitting:
            raise refused[0]
        if len(fitting) > 1:
            raise DiffError(_ambiguous(number, len(fitting), block.search))
        index, text = fitting[0]
        found[index] = text
    return found


def _apply(lines: list[str], block: Block, number: int) -> list[str]:
    search, replace = _trimmed(block.search), block.replace
    if not search:
        raise DiffError(f"block {number} has an empty SEARCH part: quote at least one line of the file")
    exact = _places(lines, list(search))
    if len(exact) == 1:
        return [*lines[: exact[0]], *replace, *lines[exact[0] + len(search) :]]
    if exact:
        raise DiffError(_ambiguous(number, len(exact), search))
    wanted = [_bare(line) for line in _dedented(search)]
    size = len(search)
    loose = [
        at
        for at in range(len(lines) - size + 1)
        if [_bare(line) for line in _dedented(tuple(lines[at : at + size]))] == wanted
    ]
    if len(loose) == 1:
        at = loose[0]
        shift = _indent(tuple(lines[at : at + size])), _indent(search)
        return [*lines[:at], *_reindented(replace, *shift), *lines[at + size :]]
    if loose:
        raise DiffError(_ambiguous(number, len(loose), search))
    raise DiffError(
        f"the SEARCH part of block {number} matches nothing in the file; its first line is {search[0]!r}. "
        "Copy whole lines exactly as they are in the file"
    )


def _ambiguous(number: int, count: int, search: tuple[str, ...]) -> str:
    return (
        f"the SEARCH part of block {number} matches {count} places; its first line is {search[0]!r}. "
        "Quote more lines around it so that it matches one"
    )


def _trimmed(search: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``search``, or nothing where all its lines are blank."""
    return search if any(line.strip() for line in search) else ()


def _places(lines: list[str], search: list[str]) -> list[int]:
    size = len(search)
    return [at for at in range(len(lines) - size + 1) if lines[at : at + size] == search]


def _bare(line: str) -> str:
    return line.rstrip()


def _indent(lines: tuple[str, ...]) -> str:
    """Return the leading blanks that all non-blank lines share."""
    shared: str | None = None
    for line in lines:
        if not line.strip():
            continue
        lead = line[: len(line) - len(line.lstrip())]
        shared = lead if shared is None else _common(shared, lead)
    return shared or ""


def _common(left: str, right: str) -> str:
    size = 0
    while size < min(len(left), len(right)) and left[size] == right[size]:
        size += 1
    return left[:size]


def _dedented(lines: tuple[str, ...]) -> list[str]:
    lead = len(_indent(lines))
    return [line[lead:] for line in lines]


def _reindented(replace: tuple[str, ...], target: str, origin: str) -> list[str]:
    return [
        line if not line.strip() or not line.startswith(origin) else target + line[len(origin) :]
        for line in replace
    ]
