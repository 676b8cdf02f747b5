"""EVOLVE-BLOCK markers: which part of a file an inventor may change.

A line with ``EVOLVE-BLOCK-START`` in a comment of any language opens a block, one with ``EVOLVE-BLOCK-END`` closes
it; the marker lines belong to the frame. A file without markers is one block.
"""

import re
from typing import NamedTuple

_MARK = re.compile(r"^[^\w\r\n]*(?:rem )?EVOLVE-BLOCK-(START|END)\b[^\r\n]*(?:\r\n|\r|\n|\Z)", re.MULTILINE)


class Region(NamedTuple):
    """Character offsets of a part that may change, the end exclusive."""

    start: int
    end: int


def has_blocks(text: str) -> bool:
    """Return whether ``text`` says which part of it may change."""
    return any(match[1] == "START" for match in _MARK.finditer(text))


def free_regions(text: str) -> tuple[Region, ...]:
    """Return what may change of ``text``, in order; all of it where there are no markers."""
    if not has_blocks(text):
        return (Region(0, len(text)),)
    regions: list[Region] = []
    opened: int | None = None
    for match in _MARK.finditer(text):
        if match[1] == "START":
            opened = match.end() if opened is None else opened
        elif opened is not None:
            regions.append(Region(opened, match.start()))
            opened = None
    if opened is not None:
        regions.append(Region(opened, len(text)))
    return tuple(regions)


def within(regions: tuple[Region, ...], start: int, end: int) -> bool:
    """Return whether ``[start, end)`` lies in one of ``regions``."""
    return any(region.start <= start and end <= region.end for region in regions)


def framed(frame: str, text: str) -> str | None:
    """Return ``frame`` with its blocks filled by those of ``text``; None where their numbers differ.

    Whatever ``text`` says outside its blocks is dropped, so the frame stays as it is by construction. Without
    markers in ``frame`` it is ``text`` itself.
    """
    if not has_blocks(frame):
        return text
    kept, new = free_regions(frame), free_regions(text)
    if not has_blocks(text) or len(kept) != len(new):
        return None
    parts: list[str] = []
    at = 0
    for place, filling in zip(kept, new, strict=True):
        inside = text[filling.start : filling.end]
        closed = "" if not inside or inside.endswith(("\n", "\r")) or place.end == len(frame) else "\n"
        parts += [frame[at : place.start], inside, closed]
        at = place.end
    return "".join([*parts, frame[at:]])

