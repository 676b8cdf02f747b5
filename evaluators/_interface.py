"""What a policy candidate is asked: hooks, the records they observe, and the answers they may give.

An observation is a flat list of doubles. Its layout is fixed by the hook and by ``rows`` (the length of
the one variable table, for instance the number of replicas), so it packs with one ``struct`` call:

    [fields of the first record ..., fields of the second ..., row 0 of the table ..., row 1 ..., ...]
"""

from abc import abstractmethod
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from ._contract import Frozen


class Function(NamedTuple):
    """A function that a candidate defines at the top level of its entry file."""

    name: str
    parameters: tuple[str, ...]

    @property
    def signature(self) -> str:
        """The call: ``place(head, view)``."""
        return f"{self.name}({', '.join(self.parameters)})"


class Interface(Frozen):
    """What a candidate is asked, and what it may answer. Each kind of problem has an interface of its own."""

    kind: ClassVar[str]
    """Names the evaluator that judges by this interface."""
    language: str = "python"
    """What a candidate is written in."""
    entry: str = "candidate.py"
    """Path of a candidate's first file."""

    @property
    @abstractmethod
    def functions(self) -> tuple[Function, ...]:
        """What the entry file must define; empty for a whole program."""

    @property
    def defines(self) -> tuple[str, ...]:
        """Names that the entry file must define at its top level."""
        return tuple(function.name for function in self.functions)

    def signatures(self) -> tuple[str, ...]:
        """Return what is to be written, one short line each: ``key(request)``, ``main.py``."""
        return tuple(function.signature for function in self.functions)

    @abstractmethod
    def description(self) -> str:
        """Return the Markdown that tells an inventor the interface."""


class Quantity(Frozen):
    """One observed number."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    unit: str = ""
    about: str = ""
    """One line for the brief."""


class Record(Frozen):
    """A named tuple of quantities; the candidate reads them as attributes."""

    name: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$")
    quantities: tuple[Quantity, ...] = Field(min_length=1)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the quantities in wire order."""
        return tuple(q.name for q in self.quantities)


class Argument(Frozen):
    """One argument of a hook: a record, optionally carrying a table of rows as one more attribute."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    record: Record
    table: str | None = None
    """Attribute under which the rows are found, for instance ``replicas``; only on the last argument."""
    row: Record | None = None

    def width(self, rows: int) -> int:
        """Return how many doubles this argument takes with a table of ``rows`` rows."""
        return len(self.record.quantities) + (rows * len(self.row.quantities) if self.row else 0)


class Answer(Frozen):
    """The set a hook's answer must lie in. Anything else is ``protocol``."""

    kind: Literal["number", "integer"]
    low: float | None = None
    high: float | Literal["rows-1"] | None = None
    """Upper limit, inclusive; ``rows-1`` is the index of the last table row."""

    @property
    def words(self) -> str:
        """The set in words."""
        what = "an integer" if self.kind == "integer" else "a finite number"
        if self.high == "rows-1":
            return f"{what}: the position of a row" + ("" if self.low in (None, 0) else f", or from {self.low:g}")
        least = "" if self.low is None else f" of at least {self.low:g}"
        most = "" if self.high is None else f"{' and' if least else ' of'} at most {self.high:g}"
        return what + least + most


class Hook(Frozen):
    """A function the candidate defines at the top level of its entry file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    arguments: tuple[Argument, ...] = Field(min_length=1)
    answer: Answer
    about: str = ""

    def width(self, rows: int) -> int:
        """Return the number of doubles of one observation."""
        return sum(argument.width(rows) for argument in self.arguments)


class PolicyInterface(Interface):
    """All hooks of a policy problem, and the constants its candidates may name (``HOLD``)."""

    kind: ClassVar[str] = "policy"

    hooks: tuple[Hook, ...] = Field(min_length=1)
    constants: dict[str, float] = Field(default_factory=dict)
    """Injected into the candidate's module before it runs."""

    def hook(self, name: str) -> Hook:
        """Return the hook called ``name``. Raises KeyError."""
        for hook in self.hooks:
            if hook.name == name:
                return hook
        raise KeyError(name)

    @property
    def functions(self) -> tuple[Function, ...]:
        """The hooks."""
        return tuple(Function(hook.name, tuple(a.name for a in hook.arguments)) for hook in self.hooks)

    def description(self) -> str:
        """Return the hooks, what they observe and what they may answer."""
        lines = ["Write one Python file that defines, at its top level:", ""]
        for hook, signature in zip(self.hooks, self.signatures(), strict=True):
            lines += [f"- `{signature}` -> {hook.answer.words}. {hook.about}".rstrip()]
            for argument in hook.arguments:
                lines += [f"  - `{argument.name}`: {_listed(argument.record)}"]
                if argument.row is not None:
                    lines += [f"  - `{argument.name}.{argument.table}`, a tuple of rows: {_listed(argument.row)}"]
        named = ", ".join(f"`{name}` = {value:g}" for name, value in self.constants.items())
        lines += ["", f"Constants that are there: {named}."] if named else []
        lines += ["", "The standard library is there. The module runs afresh for each workload; it may keep state."]
        return "\n".join(lines)


def _listed(record: Record) -> str:
    return ", ".join(
        f"`{q.name}`" + (f" [{q.unit}]" if q.unit else "") + (f" ({q.about})" if q.about else "")
        for q in record.quantities
    )
