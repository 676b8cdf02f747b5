"""What a policy candidate is asked: hooks, the records they observe, and the answers they may give.

An observation is a flat list of doubles. Its layout is fixed by the hook and by ``rows`` (the length of
the one variable table, for instance the number of replicas), so it packs with one ``struct`` call:

    [fields of the first record ..., fields of the second ..., row 0 of the table ..., row 1 ..., ...]
"""

from typing import Literal

from pydantic import Field

from ._contract import Frozen


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


class Hook(Frozen):
    """A function the candidate defines at the top level of its entry file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    arguments: tuple[Argument, ...] = Field(min_length=1)
    answer: Answer
    about: str = ""

    def width(self, rows: int) -> int:
        """Return the number of doubles of one observation."""
        return sum(argument.width(rows) for argument in self.arguments)


class PolicyInterface(Frozen):
    """All hooks of a policy problem, and the constants its candidates may name (``HOLD``)."""

    hooks: tuple[Hook, ...] = Field(min_length=1)
    constants: dict[str, float] = Field(default_factory=dict)
    """Injected into the candidate's module before it runs."""

    def hook(self, name: str) -> Hook:
        """Return the hook called ``name``. Raises KeyError."""
        for hook in self.hooks:
            if hook.name == name:
                return hook
        raise KeyError(name)
