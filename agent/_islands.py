"""Populations side by side that exchange their best and start anew when they stagnate. Pure.

The archive of a run stays one: islands only decide what a draw sees. Everything about them follows from the insertion
log and the number of commits, so a resumed or replayed run has the same islands at the same commits.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from random import Random

from ._bandit import Chooser
from ._grid import Grid, Inserted, View
from ._history import Past
from ._proposer import Elite
from ._records import InsertionRecord
from ._seeds import generator
from ._settings import RunSettings
from ._tessellation import Tessellation

MIGRANTS = 0.1
"""Share of an island's elites, the best ones and at least one, that are offered to the next island."""


class Islands:
    """The islands of one run. A ticket belongs to the one that its draw names; the starting designs are on all of them.

    Args:
        settings: how many there are, how they are chosen, and after how many commits they exchange elites and start
            anew; the seed decides whose best founds an island anew.
        niches: of every island and of the archive.
    """

    def __init__(self, settings: RunSettings, niches: Tessellation):
        self._settings = settings.islands
        self._niches = niches
        self._seed = settings.seed
        self._chooser = Chooser(settings) if settings.choice == "bandit" else None
        self._front = settings.archive.front
        self._grids = [Grid(niches, self._front) for _ in range(settings.islands.count)]
        self._commits = 0
        self._improved = [0] * settings.islands.count
        """Commits after which the island's best became better, or the island started anew."""

    @property
    def count(self) -> int:
        """How many islands there are."""
        return len(self._grids)

    def home(self, ticket: int) -> int:
        """Return the island whose turn it is."""
        return ticket % self.count

    def choose(self, ticket: int, history: Sequence[Past]) -> int:
        """Return the island that a ticket goes to: each in turn, or by what they earned."""
        if self._chooser is None:
            return self.home(ticket)
        weights = {str(island): 1.0 for island in range(self.count)}
        return int(self._chooser.pick("island", weights, history, self._random(f"choice/{ticket}")))

    def take(
        self, ticket: int, entry: Inserted | InsertionRecord, holder: int | None, island: int | None
    ) -> None:
        """Take a committed candidate in; in commit order.

        Args:
            ticket: its ticket, which is the number of commits before it.
            entry: what it did to the archive. It may hold a niche here that another holds in the archive.
            holder: the ticket that held its niche in the archive before it.
            island: whose it is; None for a starting design.
        """
        self._advance(ticket)
        if entry.holder_score is not None:
            self._rescore(Elite(holder if holder is not None else -1, entry.cell, entry.holder_score))
        former = holder if entry.result == "improved" else None
        for each in range(self.count) if island is None else (island,):
            self._place(each, Elite(ticket, entry.cell, entry.score, entry.further), ticket + 1, former)

    def view(self, island: int, commits: int) -> View | None:
        """Return what a draw on ``island`` sees after ``commits`` commits; None while the island is empty."""
        self._advance(commits)
        grid = self._grids[island]
        return grid.view(commits) if grid.best is not None else None

    def _advance(self, commits: int) -> None:
        """Do what was due up to the end of that many commits."""
        while self._commits < commits:
            self._commits += 1
            if self._commits % self._settings.migrate == 0:
                self._migrate()
            if self._settings.restart is not None:
                self._restart(self._settings.restart)

    def _migrate(self) -> None:
        """Offer each island's best elites to the next one; all leave before any arrives."""
        leaving = [grid.elites[: ceil(MIGRANTS * len(grid.elites))] for grid in self._grids]
        for island, elites in enumerate(leaving):
            for elite in elites:
                self._place((island + 1) % self.count, elite, self._commits)

    def _restart(self, patience: int) -> None:
        """Found every stagnant island anew from the best of one that is not; the one with the best of all stays."""
        stale = [island for island in range(self.count) if self._commits - self._improved[island] >= patience]
        if not stale:
            return
        leader = min(self._inhabited(), default=None)
        living = [island for island in range(self.count) if island not in stale and self._grids[island].best]
        for island in stale:
            if leader is None or island == leader[-1]:
                continue
            source = self._random(f"{island}/{self._commits}").choice(living or [leader[-1]])
            founder = self._grids[source].best
            self._grids[island] = Grid(self._niches, self._front)
            self._improved[island] = self._commits
            if founder is not None:
                self._grids[island].place(founder)

    def _inhabited(self) -> Iterator[tuple[float, int, int]]:
        """Yield score and ticket of each island's best, and the island."""
        for island, grid in enumerate(self._grids):
            if grid.best is not None:
                yield grid.best.score, grid.best.ticket, island

    def _place(self, island: int, elite: Elite, commits: int, former: int | None = None) -> None:
        """Offer an elite to an island; who gave way in the archive (``former``) does so here."""
        grid = self._grids[island]
        best = grid.best
        grid.place(elite, lambda holder: holder.ticket == former)
        if best is None or elite.score < best.score:
            self._improved[island] = commits

    def _rescore(self, elite: Elite) -> None:
        """Give an elite that was measured again its new score wherever it holds its niche."""
        for grid in self._grids:
            held = grid.holder(elite.cell)
            if held is not None and held.ticket == elite.ticket:
                grid.apply(elite.ticket, Inserted(elite.cell, elite.score, "improved", held, further=held.further))

    def _random(self, what: str) -> Random:
        return generator(f"{self._seed}/island/{what}")
