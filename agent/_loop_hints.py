"""A change of C and C++ that leaves what is computed alone and tells the compiler how: pragmas before loops.

``omp simd reduction`` gives leave to add in any order, which no flag of a careful build gives; the others unroll, or
promise that iterations do not depend on each other. Which of them is right, the judge finds out.
"""

import re
from random import Random

from ._python_source import edited
from ._token_changes import File

_UNROLLED = (2, 4, 8, 16)
_PRAGMAS = re.compile(r"(?:^[ \t]*#pragma[^\n]*\n)+\Z", re.MULTILINE)
_SUM = re.compile(r"(?<![\w\])>.])([A-Za-z_]\w*)\s*(\+|\*)=")
_DROPPED = 0.3
"""How often a loop that has hints loses them, instead of getting others."""


def hint(file: File, rng: Random) -> str | None:
    """Give a loop another pragma, or take its pragmas away; None where there is no loop on a line of its own."""
    loops = [(start, position) for position in file.free if (start := _begins_line(file, position)) is not None]
    if not loops:
        return None
    start, position = rng.choice(loops)
    found = _PRAGMAS.search(file.text, 0, start)
    before = found.start() if found else start
    if before < start and rng.random() < _DROPPED:
        return file.checked(edited(file.text, before, start, ""))
    indent = file.text[start : file.tokens[position].start]
    return file.checked(edited(file.text, before, start, f"{indent}#pragma {_pragma(file, position, rng)}\n"))


def _begins_line(file: File, position: int) -> int | None:
    """Return where the line begins, if a loop is the first thing on it."""
    token = file.tokens[position]
    if token.text != "for":
        return None
    start = file.text.rfind("\n", 0, token.start) + 1
    return start if not file.text[start : token.start].strip() else None


def _pragma(file: File, position: int, rng: Random) -> str:
    sums = list(dict.fromkeys(_SUM.findall(_loop(file, position))))
    if sums and rng.random() < 0.5:
        name, sign = rng.choice(sums)
        return f"omp simd reduction({sign}:{name})"
    return rng.choice(("omp simd", "GCC ivdep", f"GCC unroll {rng.choice(_UNROLLED)}"))


def _loop(file: File, position: int) -> str:
    """Return the loop's text: its head, and its body to the closing brace or the semicolon."""
    depth, head = 0, False
    for token in file.tokens[position:]:
        if token.kind != "sign":
            continue
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0 and token.text == ")" and not head:
            head = True
        elif depth == 0 and head and token.text in ";}":
            return file.text[file.tokens[position].start : token.end]
    return file.text[file.tokens[position].start :]
