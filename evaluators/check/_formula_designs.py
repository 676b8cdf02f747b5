"""Trivial and hostile formulas, made from the interface alone."""

from collections.abc import Sequence
from typing import Any

from .._contract import Candidate
from .._formula import FormulaInterface
from .._problem import Problem
from ._python_attacks import CLOCKS, FILES, FORGED, FRAMES, READ, Attack, appended
from ._trials import Design

CONSTANTS = {"always 0": "0.0", "always 1": "1.0", "always -1": "-1.0", "always a half": "0.5"}
RULES = {
    "x itself": "x",
    "-x": "-x",
    "1 + x": "1.0 + x",
    "x - 1": "x - 1.0",
    "x * x": "x * x",
    "1 / x": "1.0 / x",
    "abs(x)": "abs(x)",
}
"""What is right to a digit at best: the argument, copied or nearly so."""
NO_ANSWER = {
    "divides by zero": "    return (x + 1.0) / (x - x)\n",
    "answers NaN": "    zero = x - x\n    return zero / zero\n",
    "answers infinity": "    return x / (x - x) + 3.4e38 * 10.0\n",
    "calls what is not known": "    return __import__('os').getpid()\n",
    "looks an attribute up": "    return x.dtype.itemsize * 1.0\n",
    "powers itself up": "    return x ** 0.5\n",
    "loops": "    while True:\n        x = x\n    return x\n",
    "reads what is not there": "    return answer\n",
    "answers text": "    return 'one'\n",
    "answers nothing": "    return\n",
}


class FormulaDesigns:
    """See ``KindDesigns``."""

    def constants(self, problem: Problem[Any]) -> list[Design]:
        """Return formulas that do not look at their argument."""
        return [Design(name, _written(problem, text), "constant") for name, text in CONSTANTS.items()]

    def rules(self, problem: Problem[Any], honest: Candidate) -> list[Design]:
        """Return the argument itself, and what is one operation away from it."""
        return [Design(name, _written(problem, text), "rule") for name, text in RULES.items()]

    def attacks(self, problem: Problem[Any], honest: Candidate, claim: float, hidden: Sequence[str]) -> list[Attack]:
        """Return texts that would do harm if anything of a candidate ever ran, and answers that are none."""
        beside = {
            "patches the clocks": CLOCKS,
            "forges a score": FORGED.format(claim=claim),
            "walks the frames": FRAMES.format(claim=claim),
            "reads the problem's files": FILES.format(paths=list(hidden), read=READ),
        }
        head = f"def {_interface(problem).functions[0].signature}:\n"
        wrong = {name: Candidate.from_source(head + body) for name, body in NO_ANSWER.items()}
        terms = " + ".join(f"x * {n + 1}.0" for n in range(_interface(problem).operations))
        wrong["is longer than is allowed"] = _written(problem, terms)
        return [
            *[Attack(appended(honest, name, text), "no answer") for name, text in beside.items()],
            *[Attack(Design(name, candidate, "attack"), "no answer") for name, candidate in wrong.items()],
        ]

    def memorising(self, problem: Problem[Any], honest: Candidate, plain: Candidate, names: Sequence[str]) -> None:
        """Return None: a formula has no branches to know inputs by."""


def _interface(problem: Problem[Any]) -> FormulaInterface:
    assert isinstance(problem.interface, FormulaInterface)
    return problem.interface


def _written(problem: Problem[Any], expression: str) -> Candidate:
    return Candidate.from_source(f"def {_interface(problem).functions[0].signature}:\n    return {expression}\n")
