"""How an author heeds the lessons in a prompt: it takes each at its counts, and understands what it says."""

import math
import re

from speciate.agent._changes import Words, changes
from speciate.evaluators import Candidate

DRAFTS = 4
"""Edits that a heedful author thinks of before it writes one."""
_USUAL = re.compile(r"^Of all changes, (\d+) % improved", re.MULTILINE)
_LESSON = re.compile(
    r"^\[L\d+\] (?P<what>.*): (?P<improved>[\d.]+) improved on their parents, (?P<not>[\d.]+) did not", re.MULTILINE
)
_DOUBT = 4.0
"""Changes of usual success that it thinks each lesson has had besides."""


def promise_of(prompt: str, parent: str, draft: str, words: Words) -> float:
    """Return what the lessons in a prompt promise of a draft: the sum of the logarithms of their success.

    Success is a multiple of what is usual, so 0 stands for no lessons, and for a draft that follows none of them.
    """
    told = _USUAL.search(prompt)
    usual = max(1.0, float(told[1])) / 100 if told else 0.0
    promised = {match["what"]: _success(match, usual) for match in _LESSON.finditer(prompt)} if told else {}
    made = changes(Candidate.from_source(parent), Candidate.from_source(draft), words) if promised else ()
    return math.fsum(math.log(promised[what]) for what in made if what in promised)


def _success(match: re.Match[str], usual: float) -> float:
    improved, not_ = float(match["improved"]), float(match["not"])
    return (improved + _DOUBT * usual) / (improved + not_ + _DOUBT) / usual
