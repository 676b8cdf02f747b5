"""What the genetic proposer knows of a problem's quantities: where each is found and how large it usually is.

Sizes come from the problem's probe, the only observations an inventor may look at. They let grown terms weigh
about as much as what they are added to, whatever the units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from speciate.evaluators import Argument, PolicyInterface, PolicyProbe, Record


@dataclass(frozen=True)
class Held:
    """The type of a variable that holds a record: a hook's argument, or a row of its table."""

    place: str
    """Where it is met: ``hook.argument``, or ``hook.table`` for a row."""
    record: Record
    table: str | None = None
    row: "Held | None" = None
    per_row: bool = False
    """It is a row: what it holds tells rows apart."""


@dataclass(frozen=True)
class Rows:
    """The type of a table, or of a list of its rows."""

    row: Held


@dataclass(frozen=True)
class Number:
    """The type of a number; ``typical`` is its usual size, None where that is unknown."""

    typical: float | None = None


@dataclass(frozen=True)
class Truth:
    """The type of a condition."""


Type = Held | Rows | Number | Truth | None
"""None is anything else."""


class Size(NamedTuple):
    """How a quantity behaved in the probe."""

    typical: float
    """Median of the non-zero magnitudes; 0 where it never varied from 0."""
    positive: bool
    """Never seen near 0, so a safe divisor."""
    negative: bool
    """Seen below 0."""
    static: bool
    """Of a row: never changed while the probe went on, like a capacity or a speed."""
    identity: bool
    """It is the row's own index, and means nothing as a number."""


UNSEEN = Size(1.0, False, True, False, False)


@dataclass(frozen=True)
class Vocabulary:
    """All typed names a candidate's hooks start with."""

    interface: PolicyInterface
    sizes: Mapping[tuple[str, str], Size]
    """By place and field."""

    @classmethod
    def of(cls, interface: PolicyInterface, probe: PolicyProbe) -> "Vocabulary":
        """Learn the sizes from the probe's observations."""
        seen: dict[tuple[str, str], list[float]] = {}
        by_row: dict[tuple[str, str], dict[int, set[float]]] = {}
        for call in probe.calls:
            hook = interface.hook(call.hook)
            at = 0
            for argument in hook.arguments:
                place = f"{hook.name}.{argument.name}"
                at = _collect(seen, place, argument.record.fields, call.values, at)
                if argument.row is None:
                    continue
                place = f"{hook.name}.{argument.table}"
                for row in range(probe.rows):
                    for offset, name in enumerate(argument.row.fields):
                        met = by_row.setdefault((place, name), {}).setdefault(row, set())
                        met.add(call.values[at + offset])
                    at = _collect(seen, place, argument.row.fields, call.values, at)
        return cls(interface, {key: _size(values, by_row.get(key, {})) for key, values in seen.items()})

    def size(self, place: str, name: str) -> Size:
        """Return how large a quantity usually is at a place."""
        return self.sizes.get((place, name), UNSEEN)

    def never_zero(self, name: str) -> bool:
        """Return whether a quantity of this name is a safe divisor wherever it is met."""
        sizes = [size for (_, each), size in self.sizes.items() if each == name]
        return bool(sizes) and all(size.positive for size in sizes)

    def never_negative(self, name: str) -> bool:
        """Return whether a quantity of this name was never below 0."""
        sizes = [size for (_, each), size in self.sizes.items() if each == name]
        return bool(sizes) and not any(size.negative for size in sizes)

    def parameters(self, hook_name: str) -> list[Held]:
        """Return the types of a hook's parameters, by position."""
        hook = self.interface.hook(hook_name)
        return [_held(hook_name, argument) for argument in hook.arguments]


def _size(values: Sequence[float], by_row: Mapping[int, set[float]]) -> Size:
    middle = median(abs(value) for value in values)
    return Size(
        typical=median([abs(value) for value in values if value] or [0.0]),
        positive=min(values) > 0.02 * middle,
        negative=min(values) < 0,
        static=bool(by_row) and all(len(met) == 1 for met in by_row.values()),
        identity=bool(by_row) and all(met == {row} for row, met in by_row.items()),
    )


def _held(hook: str, argument: Argument) -> Held:
    row = Held(f"{hook}.{argument.table}", argument.row, per_row=True) if argument.row else None
    return Held(f"{hook}.{argument.name}", argument.record, argument.table, row)


def _collect(
    seen: dict[tuple[str, str], list[float]], place: str, names: Sequence[str], values: Sequence[float], at: int
) -> int:
    for offset, name in enumerate(names):
        seen.setdefault((place, name), []).append(values[at + offset])
    return at + len(names)
