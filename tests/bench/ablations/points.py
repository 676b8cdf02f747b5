"""Searches over points of the plane and beyond: landscapes of known shape, authors that take random steps.

What is searched with is real: grid or centroids, islands, window, history and bandits are the agent's own, and the
loop below commits and draws in the order of the real one. Only the archive's database, the candidate's life and the
judge are left out, so a search takes milliseconds and a comparison can have many seeds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from speciate.agent import Grid, Past, RunSettings, Spent, tessellation_of
from speciate.agent._bandit import Chooser
from speciate.agent._genetic import select
from speciate.agent._grid import Inserted
from speciate.agent._islands import Islands
from speciate.agent._proposer import Elite
from speciate.agent._tessellation import laid_out
from speciate.evaluators import Descriptor

DIMENSIONS, EDGE = 6, 3.0
AXES = tuple(Descriptor(name=name, low=-EDGE, high=EDGE, bins=8) for name in ("first", "second"))
START = [2.5 * (-1) ** place for place in range(DIMENSIONS)]

Point = Sequence[float]
Step = Callable[[Point, Point, Random], Point]
"""From an elite and another elite to a new point."""

LANDSCAPES: dict[str, Callable[[Point], float]] = {
    "sphere": lambda x: sum(v * v for v in x),
    "rastrigin": lambda x: sum(v * v - 3 * math.cos(2 * math.pi * v) + 3 for v in x),
    "deceptive": lambda x: min(sum((v - 2) ** 2 for v in x), 4 + 0.2 * sum((v + 1) ** 2 for v in x)),
    "valley": lambda x: sum(
        0.05 * 10 ** (3 * place / (DIMENSIONS - 1)) * (v - (x[place - 1] if place else 0.0)) ** 2
        for place, v in enumerate(x)
    ),
}
"""Minimised, 0 at best. The deceptive one leads into a wide valley of 4, away from its narrow best; the valley is
narrow and lies across the axes."""


def gauss(size: float, share: float) -> Step:
    """Return a Gaussian step of this standard deviation that moves this share of the coordinates."""
    return lambda x, mate, rng: [v + rng.gauss(0, size) * (rng.random() < share) for v in x]


STEPS: dict[str, Step] = {
    "tiny": gauss(0.05, 1.0),
    "small": gauss(0.2, 0.5),
    "medium": gauss(0.5, 0.4),
    "large": gauss(1.5, 0.4),
    "jump": lambda x, mate, rng: [rng.uniform(-EDGE, EDGE) for _ in x],
    "mix": lambda x, mate, rng: [a if rng.random() < 0.5 else b for a, b in zip(x, mate, strict=True)],
    "blend": lambda x, mate, rng: [a + rng.uniform(-0.2, 1.2) * (b - a) for a, b in zip(x, mate, strict=True)],
    "idle": lambda x, mate, rng: [EDGE if rng.random() < 0.5 else v for v in x],
}
"""Operators of very different worth; ``idle`` is worth nothing."""


class Model(NamedTuple):
    """A model behind an author of points."""

    usd: float
    """Price of one point."""
    tries: int
    """Points it thinks of; it writes the best of them by the true score, as insight would."""


class Author(NamedTuple):
    """Who takes the steps."""

    weights: Mapping[str, float]
    """Static weights of ``STEPS``."""
    models: Mapping[str, Model]


FREE = {"author": Model(0.0, 1)}
AUTHORS: dict[str, Author] = {
    "one step": Author({"medium": 1.0}, FREE),
    "steps, even": Author(dict.fromkeys(STEPS, 1.0), FREE),
    "steps, ill-weighted": Author({**dict.fromkeys(STEPS, 1.0), "jump": 6.0, "idle": 8.0}, FREE),
    "cheap pays": Author({"medium": 1.0}, {"cheap": Model(0.001, 1), "dear": Model(0.02, 4)}),
    "dear pays": Author({"medium": 1.0}, {"cheap": Model(0.001, 1), "dear": Model(0.0015, 8)}),
}


class _Ticket(NamedTuple):
    """One point on its way."""

    point: Point
    operator: str
    model: str
    island: int | None
    parent: Elite | None


def searched(landscape: str, author: Author, settings: RunSettings) -> list[Past]:
    """Return what the tickets of a search came to; scores are minimised and at least 0."""
    return _Search(landscape, author, settings).run()


class _Search:
    """The loop: ticket t sees the archive as of commit t - window + 1, as in ``agent/_loop.py``."""

    def __init__(self, landscape: str, author: Author, settings: RunSettings):
        self.land, self.author, self.settings = LANDSCAPES[landscape], author, settings
        niches = tessellation_of(AXES, laid_out(AXES, settings.archive))
        self.grid = Grid(niches)
        self.islands = Islands(settings, niches) if settings.islands.count > 1 else None
        self.chooser = Chooser(settings)
        self.past: list[Past] = []
        self.tickets = [_Ticket(START, "seed", "", None, None)]
        self.usd = 0.0

    def run(self) -> list[Past]:
        """Search until the budget is used up."""
        self._commit()
        while self._has_room():
            if len(self.tickets) - len(self.past) >= self.settings.window:
                self._commit()
            self._draw()
        while len(self.past) < len(self.tickets):
            self._commit()
        return self.past

    def _has_room(self) -> bool:
        budget = self.settings.budget
        if budget.usd is not None and self.usd >= budget.usd:
            return False
        return budget.evaluations is None or len(self.tickets) < budget.evaluations

    def _draw(self) -> None:
        number, commits = len(self.tickets), len(self.past)
        rng = Random(f"{self.settings.seed}/{number}")
        island = self.islands.choose(number, self.past) if self.islands else None
        view = self.islands.view(island, commits) if self.islands and island is not None else None
        elites = (view or self.grid.view(commits)).elites
        models = self.author.models
        model = self.chooser.pick("model", dict.fromkeys(models, 1.0), self.past, rng)
        operator = self.chooser.pick("operator", self.author.weights, self.past, rng)
        parent, mate = select(elites, rng), select(elites, rng)
        points = [self._stepped(operator, parent, mate, rng) for _ in range(models[model].tries)]
        self.usd += models[model].usd
        self.tickets.append(_Ticket(min(points, key=self.land), operator, model, island, parent))

    def _stepped(self, operator: str, parent: Elite, mate: Elite, rng: Random) -> Point:
        moved = STEPS[operator](self.tickets[parent.ticket].point, self.tickets[mate.ticket].point, rng)
        return [max(-EDGE, min(EDGE, value)) for value in moved]

    def _commit(self) -> None:
        number = len(self.past)
        ticket = self.tickets[number]
        best = self.grid.best.score if self.grid.best else None
        entry = self.grid.insert(number, self.land(ticket.point), {"first": ticket.point[0], "second": ticket.point[1]})
        if self.islands:
            self.islands.take(number, entry, None, ticket.island)
        self.past.append(self._told(ticket, entry, best))

    def _told(self, ticket: _Ticket, entry: Inserted, best: float | None) -> Past:
        price = self.author.models[ticket.model].usd if ticket.model else 0.0
        return Past(
            len(self.past),
            ticket.operator,
            ticket.model or None,
            "",
            ticket.island,
            (ticket.parent.ticket,) if ticket.parent else (),
            "ok",
            entry.score,
            entry.result,
            ticket.parent.score if ticket.parent else None,
            best,
            Spent(price, 0, 0.0),
        )
