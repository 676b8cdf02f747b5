"""Changes of C++ and CUDA that leave what is computed alone and tell the compiler how: pragmas before loops, and sizes.

``omp simd reduction`` gives leave to add in any order, which no flag of a careful build gives; the others unroll, or
promise that iterations do not depend on each other. Which of them is right, the judge finds out.
"""

import re
from random import Random

from ._blocks import free_regions, within
from ._cpp import Code, mentions
from ._cpp_values import kept
from ._python_source import edited
from ._token_changes import File

_UNROLLED = (2, 4, 8, 16)
_MOST = 1 << 20
_LENGTHS = (4, 8, 16, 32)
_SIGNS = {"+": "+", "*": "*", ">": "max", "<": "min"}
_PRAGMAS = re.compile(r"(?:^[ \t]*#pragma[^\n]*\n)+\Z", re.MULTILINE)
_SIZED = re.compile(
    r"(?:\b(?:static\s+)?const(?:expr)?\s+\w+\s+\w+\s*=\s*|#define\s+\w+\s+|#pragma (?:GCC )?unroll |\bsimdlen\()"
    r"(?P<size>\d{1,6})(?=\s*[;)\n])"
)
"""A whole number that the text gives a name, or a pragma."""
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


def resize(file: File, rng: Random) -> str | None:
    """Change a width, a tile or a number of rounds, mostly twofold."""
    regions = free_regions(file.text)
    found = [each for each in _SIZED.finditer(file.text) if within(regions, *each.span()) and int(each["size"]) > 0]
    if not found:
        return None
    match = rng.choice(found)
    size = int(match["size"])
    new = rng.choice([each for each in (size // 2, size * 2, size * 4, size + 1, size - 1) if 0 < each < _MOST])
    return file.checked(edited(file.text, match.start("size"), match.end("size"), str(new)))


def _begins_line(file: File, position: int) -> int | None:
    """Return where the line begins, if a loop is the first thing on it."""
    token = file.tokens[position]
    if token.text != "for":
        return None
    start = file.text.rfind("\n", 0, token.start) + 1
    return start if not file.text[start : token.start].strip() else None


def _pragma(file: File, position: int, rng: Random) -> str:
    start = file.tokens[position].start
    code = Code(file)
    if code.is_cuda:
        return f"unroll {rng.choice(_UNROLLED)}"
    loop = next((loop for loop in code.loops if loop.statement.start == start), None)
    choices = ["GCC ivdep", f"GCC unroll {rng.choice(_UNROLLED)}"]
    if loop is None or mentions(code.inner(loop.statement), ("break", "continue", "return")):
        return rng.choice(choices)
    found = kept(code, loop)
    signs = {name: sign for name, sign in found.items() if sign is not None}
    if len(signs) < len(found):
        return rng.choice(choices)
    summed = "".join(f" reduction({_SIGNS[sign]}:{name})" for name, sign in signs.items())
    choices += [f"omp simd{summed}", f"omp simd{summed} simdlen({rng.choice(_LENGTHS)})"]
    return choices[-2] if summed and rng.random() < 0.5 else rng.choice(choices)
