"""What a running search tells whoever watches. Facts already in the archive, in order of happening."""

from dataclasses import dataclass

from ._grid import InsertionResult


@dataclass(frozen=True)
class Issued:
    """A ticket was drawn."""

    ticket: int
    operator: str
    parents: tuple[int, ...]
    model: str | None


@dataclass(frozen=True)
class Judged:
    """The judge gave its word on one turn of a ticket, which may have to wait for its commit."""

    ticket: int
    turn: int
    status: str
    score: float | None
    """In the problem's own direction and unit."""
    wall_s: float


@dataclass(frozen=True)
class Committed:
    """A ticket was closed, in ticket order."""

    ticket: int
    outcome: str
    """An evaluation status, or ``no_candidate``."""
    operator: str
    score: float | None
    result: InsertionResult | None
    """None where the candidate was not archived."""
    cell: int | None
    evaluations: int
    """Committed so far, as the budget counts them."""
    best: float | None
    """Best score so far, in the problem's own direction."""
    niches: int
    coverage: float
    """Share of cells held, 0 to 1."""
    elapsed_s: float


@dataclass(frozen=True)
class Improved:
    """A commit that set a new best score of the run. Follows its ``Committed``."""

    ticket: int
    score: float
    previous: float | None
    operator: str


@dataclass(frozen=True)
class Finished:
    """The sitting is over."""

    state: str
    """``finished`` or ``stopped``."""
    reason: str
    evaluations: int
    best: float | None


Event = Issued | Judged | Committed | Improved | Finished
