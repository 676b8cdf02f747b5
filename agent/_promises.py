"""What a C++ compiler may assume of a kernel: leaves for the whole file, pointers apart, functions of whole vectors.

``std::exp`` in a loop keeps it from being made of vectors. The math library has the same functions for several values
at once, and a declaration that says so lets the compiler call them; it is right to a few units in the last place.
"""

import re
from random import Random

from ._cpp import Code
from ._python_source import edited
from ._token_changes import File

_LEAVES = (
    'optimize("fast-math")',
    'optimize("associative-math,no-signed-zeros,no-trapping-math")',
    'optimize("no-trapping-math,no-math-errno")',
    'optimize("unroll-loops")',
    'target("prefer-vector-width=512")',
)
"""Of the whole file: sums in any order, no care for signs of zeros and for traps, unrolling, the widest vectors."""
_GIVEN = re.compile(r"(?m)^#pragma GCC (?:optimize|target)[^\n]*\n")
_DROPPED = 0.3
_VECTOR_FUNCTIONS = ("exp", "log", "tanh", "sin", "cos", "exp2", "log2", "erf", "cbrt", "expm1", "log1p")
_CALL = re.compile(rf"(?<![\w.>])(?:std::|::)?(?P<name>{'|'.join(_VECTOR_FUNCTIONS)})f?(?=\s*\()")
_POINTER = re.compile(r"\*(?=\s*[A-Za-z_]\w*\s*(?:,|$))")


def leave(file: File, rng: Random) -> str | None:
    """Give the compiler leave for something in the whole file, or take a leave away."""
    code = Code(file)
    start = code.first_free
    if start is None:
        return None
    given = [each for each in _GIVEN.finditer(file.text) if code.is_free(*each.span())]
    if given and rng.random() < _DROPPED:
        match = rng.choice(given)
        return file.checked(edited(file.text, match.start(), match.end(), ""))
    others = [each for each in _LEAVES if f"#pragma GCC {each}" not in file.text]
    if not others:
        return None
    return file.checked(edited(file.text, start, start, f"#pragma GCC {rng.choice(others)}\n"))


def vectorize(file: File, rng: Random) -> str | None:
    """Let calls of a function be made for several values at once."""
    code = Code(file)
    words = {token.start for token in file.tokens if token.kind == "word" or token.text == "::"}
    calls = [each for each in _CALL.finditer(file.text) if each.start() in words and code.is_free(*each.span())]
    names = sorted({match["name"] for match in calls if f"float {match['name']}f(float)" not in file.text})
    if not names:
        return None
    name = rng.choice(names)
    text = file.text
    for match in reversed(calls):
        if match["name"] == name:
            text = edited(text, match.start(), match.end(), f"{name}f")
    first = next(match.start() for match in calls if match["name"] == name)
    told = f'extern "C" __attribute__((const, simd("notinbranch"))) float {name}f(float) noexcept;\n'
    place = code.before_function(first)
    return file.checked(edited(text, place, place, told))


def restrict(file: File, rng: Random) -> str | None:
    """Promise that what the pointers of a function point at is not shared."""
    code = Code(file)
    found = []
    for function in code.functions:
        start, end = function.parameters
        told = _POINTER.sub("* __restrict", file.text[start:end])
        if told != file.text[start:end] and code.is_free(start, end):
            found.append((start, end, told))
    if not found:
        return None
    return file.checked(edited(file.text, *rng.choice(found)))
