"""Trivial, prying and hostile policies, made from the interface alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from .._contract import Candidate
from .._interface import Answer, Argument, Hook, PolicyInterface
from .._problem import Problem
from ..kinds._policy import policy_interface
from ._python_attacks import Attack, Seen, appended, attacks, digest, memorising
from ._trials import Design

FAR = 1e12
"""Stands for the end of a range that has none."""


class PolicyDesigns:
    """See ``KindDesigns``."""

    def constants(self, problem: Problem[Any]) -> list[Design]:
        """Return policies that do not look: always the lowest, the highest, zero or the middle, or at random."""
        interface = policy_interface(problem)
        found = {
            "always the lowest answer": [_low(hook.answer) for hook in interface.hooks],
            "always zero": [_near(hook, "0.0") for hook in interface.hooks],
            "always the highest answer": [_high(hook) for hook in interface.hooks],
            "always the middle": [f"({_low(hook.answer)} + {_high(hook)}) / 2" for hook in interface.hooks],
            "at random": [
                f"{_low(hook.answer)} + ({_high(hook)} - ({_low(hook.answer)})) * _draw()" for hook in interface.hooks
            ],
        }
        return [Design(name, _written(interface, answers), "constant") for name, answers in found.items()]

    def rules(self, problem: Problem[Any], honest: Candidate) -> list[Design]:
        """Return policies in which one hook of the honest one answers by one number it sees, or always the same."""
        interface = policy_interface(problem)
        designs = []
        for hook in interface.hooks:
            for name, answer in _rules(hook, several=len(interface.hooks) > 1):
                designs.append(_replaced(honest, hook, name, answer))
        return designs

    def attacks(self, problem: Problem[Any], honest: Candidate, claim: float, hidden: Sequence[str]) -> list[Attack]:
        """Return hostile policies that stand on the honest one."""
        interface = policy_interface(problem)
        found = attacks(honest, interface.functions, claim, hidden)
        beyond = [
            _replaced(honest, hook, f"{hook.name} answers beyond its range", answer)
            for hook in interface.hooks
            for answer in _beyond(hook)
        ]
        spoil = SPOIL + "".join(
            f"\n\n_honest_{f.name} = {f.name}\n\n\ndef {f.signature}:\n"
            f"    return _spoiled(_honest_{f.name}({', '.join(f.parameters)}), {', '.join(f.parameters)})\n"
            for f in interface.functions
        )
        return [
            *found,
            Attack(appended(honest, "changes what it is shown", spoil), "as honest"),
            *[Attack(design._replace(role="attack"), "no answer") for design in beyond],
        ]

    def memorising(self, problem: Problem[Any], honest: Candidate, plain: Candidate, names: Sequence[str]) -> Design:
        """Return a policy that knows the train workloads ``names`` by the first question each begins with."""
        interface = policy_interface(problem)
        first = [_first_question(problem, name) for name in names]
        return memorising(honest, plain, interface.functions, first)


SPOIL = """
def _spoiled(answer, *shown):
    for record in shown:
        for name in getattr(record, "_fields", ()):
            try:
                object.__setattr__(record, name, 0.0)
            except (AttributeError, TypeError):
                pass
        for rows in record:
            if isinstance(rows, list):
                rows.clear()
    return answer
"""

_DRAW = """
_state = 1


def _draw():
    global _state
    _state = (_state * 6364136223846793005 + 1442695040888963407) % 2**64
    return (_state >> 11) / 2**53

"""


def _written(interface: PolicyInterface, answers: Sequence[str]) -> Candidate:
    text = _DRAW
    for hook, function, answer in zip(interface.hooks, interface.functions, answers, strict=True):
        text += f"\n\ndef {function.signature}:\n    return {_typed(hook.answer, answer)}\n"
    return Candidate.from_source(text)


def _replaced(honest: Candidate, hook: Hook, name: str, answer: str) -> Design:
    parameters = ", ".join(argument.name for argument in hook.arguments)
    text = f"def {hook.name}({parameters}):\n    return {answer}\n"
    return appended(honest, name, text)._replace(role="rule")


def _typed(answer: Answer, expression: str) -> str:
    return f"int({expression})" if answer.kind == "integer" else f"float({expression})"


def _low(answer: Answer) -> str:
    return repr(-FAR if answer.low is None else float(answer.low))


def _table(hook: Hook) -> str | None:
    """Return how the hook's rows are reached, None where it has none."""
    return next((f"{a.name}.{a.table}" for a in hook.arguments if a.table), None)


def _high(hook: Hook) -> str:
    if hook.answer.high == "rows-1":
        return f"(len({_table(hook)}) - 1)"
    return repr(FAR if hook.answer.high is None else float(hook.answer.high))


def _near(hook: Hook, expression: str) -> str:
    """Return ``expression`` held within the hook's range."""
    return f"min(max({expression}, {_low(hook.answer)}), {_high(hook)})"


def _beyond(hook: Hook) -> list[str]:
    """Return answers just outside the range, and one between two whole numbers."""
    found = []
    if hook.answer.low is not None:
        found.append(f"{_low(hook.answer)} - 1")
    if hook.answer.high is not None:
        found.append(f"{_high(hook)} + 1")
    if hook.answer.kind == "integer":
        found.append(f"{_near(hook, '0.0')} + 0.5")
    return found


def _rules(hook: Hook, several: bool) -> Iterator[tuple[str, str]]:
    """Return (name, expression) of each rule for one hook. A lone hook's constants are designs of their own."""
    if several:
        for name, answer in (("lowest", _low(hook.answer)), ("zero", _near(hook, "0.0")), ("highest", _high(hook))):
            yield f"{hook.name} always {name}", _typed(hook.answer, answer)
    for argument in hook.arguments:
        yield from _by_field(hook, argument)


def _by_field(hook: Hook, argument: Argument) -> Iterator[tuple[str, str]]:
    for field in argument.record.fields:
        seen = f"{argument.name}.{field}"
        yield f"{hook.name} = {seen}", _typed(hook.answer, _near(hook, seen))
        if hook.answer.low is None and hook.answer.high is None:
            yield f"{hook.name} = -{seen}", _typed(hook.answer, f"-{seen}")
    rows = f"{argument.name}.{argument.table}"
    for field in argument.row.fields if argument.row else ():
        for least, words in (("min", "least"), ("max", "most")):
            row = f"{least}(range(len({rows})), key=lambda i: {rows}[i].{field})"
            if hook.answer.high == "rows-1":
                yield f"{hook.name} = row with {words} {field}", row
            else:
                value = f"{least}(row.{field} for row in {rows})"
                yield f"{hook.name} = {words} {field}", _typed(hook.answer, _near(hook, value))


def _first_question(problem: Problem[Any], name: str) -> str:
    """Return the digest of what a policy is asked first on a train workload."""
    workload = next(each for each in problem.workloads("train") if each.name == name)
    asked = _Asked()
    with suppress(Seen):
        problem.measure(asked, workload)
    return digest(asked.seen)


class _Asked:
    """Ends the measuring with the first question. Implements ``Policy``."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def begin(self, rows: int) -> None:
        """Accept any number of rows."""

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        """Return a call that never answers."""

        def call(values: Sequence[float]) -> float:
            self.seen = [float(value) for value in values]
            raise Seen

        return call
