"""What a build of C++ tells of the code it made, in a few lines: for the inventor, and as untrusted as the candidate.

The compiler says which loops it made of vectors and what kept it from others; the binary says how wide its vectors are
and which functions it calls, one value at a time.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

MARK = "--"
"""Line between the parts of what is printed."""
_PACKED = (
    r"v?(add|sub|mul|div|sqrt|max|min|fn?m(add|sub)[0-9]+)p[sdh]\b.*%[xyz]mm|"
    r"v?p(add|sub|mul|min|max|cmp|madd|sad)[a-z0-9]* .*%[xyz]mm"
)
"""Arithmetic on several elements at once. Moves and the xor that makes a zero are written so in scalar code too."""
_WIDTHS = {"zmm": 512, "ymm": 256, "xmm": 128}
_VECTORS = re.compile(r"^[^:]+:(\d+):\d+: optimized: .*loop vectorized using (\d+) byte vectors", re.MULTILINE)
_MISSED = re.compile(r"^[^:]+:(\d+):\d+: missed: (.+)$", re.MULTILINE)
_NO_REASON = "couldn't vectorize loop"
_LOOP = re.compile(r"\b(?:for|while|do)\b")
_CALL = re.compile(r"^[A-Za-z0-9_]{1,60}$", re.MULTILINE)
_RUNTIME = frozenset({"__cxa_finalize", "__gmon_start__", "__stack_chk_fail", "_Unwind_Resume"})
_MOST, _MOST_CALLS, _WORDS = 4, 8, 80


class Notes(NamedTuple):
    """What is known of a binary."""

    vector_bits: int
    """Widest vector that arithmetic in it uses; 0 where all of it is scalar."""
    lines: tuple[str, ...]
    """The most telling first."""


def reading(binary: str, remarks: str) -> str:
    """Return a shell's commands that print what ``notes_of`` reads.

    Args:
        binary: the shared object.
        remarks: the file that ``-fopt-info-vec-optimized-missed`` wrote.
    """
    return (
        f"objdump -d --no-show-raw-insn {binary} > told; grep -oE '{_PACKED}' told | grep -oE '[xyz]mm' | sort -u; "
        f"echo {MARK}; grep -oE '<[A-Za-z0-9_]+@plt>$' told | tr -d '<>' | cut -d @ -f 1 | sort -u | head -n 40; "
        f"echo {MARK}; grep -E ': (optimized|missed): ' {remarks} | sort -u | head -c 60000"
    )


def notes_of(told: str, source: str) -> Notes:
    """Return the notes on a binary, from what was printed and the candidate's source."""
    widths, _, rest = told.partition(f"{MARK}\n")
    calls, _, remarks = rest.partition(f"{MARK}\n")
    bits = max((_WIDTHS.get(word, 0) for word in widths.split()), default=0)
    called = [name for name in _CALL.findall(calls) if name not in _RUNTIME]
    plain = sorted(name for name in called if not name.startswith("_Z"))[:_MOST_CALLS]
    lines = [*_loops(remarks, source.splitlines()), *([f"calls {', '.join(plain)}"] if plain else [])]
    width = f"arithmetic on vectors of up to {bits} bits" if bits else "no arithmetic on vectors"
    return Notes(bits, (width, *lines))


def _loops(remarks: str, source: Sequence[str]) -> Iterator[str]:
    """Yield a line on each of the first innermost loops that is not made of vectors, and one on those that are."""
    sizes = sorted((int(line), int(size)) for line, size in _VECTORS.findall(remarks))
    made = dict(sizes)  # of several versions of a loop the widest comes last
    missed = [(int(line), reason) for line, reason in _MISSED.findall(remarks)]
    loops = sorted({line for line, reason in missed if reason == _NO_REASON} | made.keys())
    loops = [line for line in loops if 0 < line <= len(source) and _LOOP.search(source[line - 1])]
    scalar = [
        (line, following)
        for line, following in pairwise([*loops, len(source) + 1])
        if line not in made and not _holds(source, line, following)
    ]
    for line, following in scalar[:_MOST]:
        reasons = [reason for at, reason in missed if line <= at < following and reason != _NO_REASON]
        why = f" ({_short(reasons[0])})" if reasons else ""
        yield f"line {line} is not made of vectors{why}: {_short(source[line - 1])}"
    if made:
        yield "made of vectors: " + ", ".join(f"line {line} ({made[line]} bytes)" for line in sorted(made)[:_MOST])


def _holds(source: Sequence[str], line: int, following: int) -> bool:
    """Return whether the loop of one line has the next one within it: then that one counts."""
    if following > len(source):
        return False
    first, second = (len(text) - len(text.lstrip()) for text in (source[line - 1], source[following - 1]))
    return second > first


def _short(text: str) -> str:
    words = " ".join(text.removeprefix("not vectorized: ").split())
    return words if len(words) <= _WORDS else f"{words[:_WORDS]}..."
