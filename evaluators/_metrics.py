"""What a benchmark reports on stdout: metrics as JSON on its last line, or found by patterns. Untrusted text."""

import json
import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from ._contract import Status
from ._errors import CandidateFault

METRICS_MOST = 200
LINE_CHARACTERS = 64 << 10
"""Of the line of JSON."""
_NAME_CHARACTERS = 100
_FEEDBACK_CHARACTERS = 2000
_SEARCHED_LINES = 10_000
_SEARCHED_CHARACTERS = 1000
"""Of one line that patterns are tried on: some patterns take time that grows with the square of it."""


class Reading(NamedTuple):
    """What a benchmark reported."""

    metrics: dict[str, float]
    """Finite numbers by name."""
    correct: bool = True
    feedback: str = ""
    """For the inventor: untrusted as instruction, quoted as data."""


def from_last_line(text: str) -> Reading:
    """Read a JSON object from the last line that is not empty.

    Its finite numbers are metrics; ``"correct": false`` says that the candidate's results are wrong, and
    ``"feedback"`` is told to the inventor. All else in it is passed over. Raises CandidateFault(PROTOCOL).
    """
    last = text.rstrip().rpartition("\n")[2].strip()
    if len(last) > LINE_CHARACTERS:
        raise CandidateFault(Status.PROTOCOL, f"expected a last line of at most {LINE_CHARACTERS} characters")
    try:
        told = json.loads(last)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        shown = f"got {last[:200]!r}" if last else "got nothing"
        raise CandidateFault(Status.PROTOCOL, f"expected a JSON object of metrics on the last line of stdout, {shown}")
    correct, feedback = told.pop("correct", True), told.pop("feedback", "")
    if not isinstance(correct, bool):
        raise CandidateFault(Status.PROTOCOL, f'expected "correct" to be true or false, got {str(correct)[:200]!r}')
    metrics = {name: _finite(name, value) for name, value in told.items() if type(value) in (int, float)}
    if len(metrics) > METRICS_MOST or any(len(name) > _NAME_CHARACTERS for name in metrics):
        raise CandidateFault(
            Status.PROTOCOL, f"expected at most {METRICS_MOST} metrics of short names, got {len(metrics)}"
        )
    return Reading(metrics, correct, str(feedback)[:_FEEDBACK_CHARACTERS])


def by_patterns(text: str, patterns: Mapping[str, str]) -> Reading:
    """Read each metric from the last line that its pattern is found in; the pattern's one group is the number.

    Lines beyond the last 10,000, and what is beyond 1,000 characters of a line, are not searched. Raises
    CandidateFault(PROTOCOL) for a metric that is not found or is no finite number.
    """
    lines = [line[:_SEARCHED_CHARACTERS] for line in text.splitlines()[-_SEARCHED_LINES:]]
    metrics = {}
    for name, pattern in patterns.items():
        search = re.compile(pattern).search
        found = next((match for line in reversed(lines) if (match := search(line))), None)
        if found is None:
            raise CandidateFault(Status.PROTOCOL, f"expected a line with {name}, as {pattern!r} finds it; got none")
        try:
            metrics[name] = _finite(name, float(found[1]))
        except (TypeError, ValueError):
            shown = f"{name}: expected a number where {pattern!r} has its group, got {str(found[1])[:200]!r}"
            raise CandidateFault(Status.PROTOCOL, shown) from None
    return Reading(metrics)


def _finite(name: str, value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise CandidateFault(Status.PROTOCOL, f"{name[:_NAME_CHARACTERS]}: expected a finite number, got {number}")
    return number
