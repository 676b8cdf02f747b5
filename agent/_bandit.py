"""Which arm to draw next: rewards per cost of the last tickets, a discounted Thompson sampler over them. Pure.

An arm is whatever a ticket's draw names: operator, model, variant of the prompt, island. They are chosen by one bandit
each, as if they did not depend on one another: their product has more arms than a run has tickets.

What a ticket earned is a rank and no amount, since amounts shrink by orders of magnitude as a run goes on:

    1     a better best of the run
    0.5   better than its parent
    0.1   a niche that was vacant, or held by a worse one

of which the highest counts; nothing else earns. What it cost is the share of the run's limits that it used up, as
recorded. An arm earns at some rate per cost; the belief about it is a gamma distribution, as of a Poisson process that
was watched for as long as the arm's tickets cost, and begins at the rate of all arms together. Each choice samples a
rate for every arm and takes the highest: what is not known yet gets its try, and choices made before their results
come (a window of tickets is under way) differ of themselves.

A part of the choices, all at first and fewer as evidence comes, but never less than ``FLOOR``, is drawn by the arms'
static weights instead. So little evidence changes little, and no arm dies.
"""

from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Literal

from speciate.evaluators import SpeciateError

from ._history import Past
from ._records import UNCOUNTED
from ._settings import Budget, Choice, RunSettings

HALF_LIFE = 200.0
"""Tickets after which a result counts half: what pays early in a run need not pay later."""
_DECAY = 0.5 ** (1 / HALF_LIFE)
FLOOR = 0.1
"""Least share of choices that go by the static weights."""
SETTLING = 15.0
"""Tickets after which half of the choices go by evidence."""
PRIOR = 4.0
"""Average tickets that the belief about an arm begins with."""
TURN = 0.1
"""What any ticket costs beside what it used, as a share of an average one: a free arm would be drawn for ever."""

Choosing = Literal["operator", "model", "variant", "island"]
"""What of a ticket is chosen."""


Outcome = tuple[str, float, float]
"""What one ticket came to: its arm, what it earned, and what it cost in any unit, since only ratios count."""


class Chooser:
    """Chooses for the draws of one run: by fixed weights, or by what the arms earned too (``RunSettings.choice``).

    Args:
        settings: of the run; None chooses by fixed weights among all operators.
        operators: all of the proposer's; None where no operator is chosen.
        on_request: those of them that are drawn only where the settings name them.

    Raises:
        SpeciateError: the run names an operator that is none of ``operators``.
    """

    def __init__(
        self,
        settings: RunSettings | None = None,
        operators: Collection[str] | None = None,
        on_request: Collection[str] = (),
    ):
        self._choice: Choice = settings.choice if settings else "static"
        self._budget = settings.budget if settings else Budget()
        self._operators = frozenset(settings.operators if settings else ())
        self._on_request = frozenset(on_request)
        self._last: Past | None = None
        self._rewards: list[float] = []
        self._costs: list[float] = []
        unknown = sorted(self._operators.difference(operators)) if operators is not None else []
        if operators and unknown:
            raise SpeciateError(f"expected operators out of {', '.join(operators)}, got {', '.join(unknown)}")

    def allows(self, operator: str) -> bool:
        """Return whether an operator may be drawn: the settings name it, or name none and it needs no request."""
        return operator in self._operators if self._operators else operator not in self._on_request

    def pick(self, what: Choosing, weights: Mapping[str, float], history: Sequence[Past], rng: Random) -> str:
        """Return an arm out of ``weights`` (static weights by name) for a draw that sees ``history``."""
        if what == "operator":
            weights = {name: weight for name, weight in weights.items() if self.allows(name)}
        if self._choice == "static" or len(weights) == 1:
            return rng.choices(list(weights), list(weights.values()))[0]
        arms = [str(getattr(past, what)) for past in history]
        return chosen(weights, list(zip(arms, *self._worths(history), strict=True)), rng)

    def _worths(self, history: Sequence[Past]) -> tuple[Sequence[float], Sequence[float]]:
        """Return what each ticket earned and cost; what was worked out for an earlier draw is kept."""
        new = next((age for age, past in enumerate(reversed(history)) if past is self._last), len(history))
        kept = len(history) - new
        kept = kept if kept <= len(self._rewards) else 0
        late, first = history[kept:], len(self._rewards) - kept
        self._rewards = [*self._rewards[first:], *map(reward_of, late)]
        self._costs = [*self._costs[first:], *(cost_of(past, self._budget) for past in late)]
        self._last = history[-1] if history else None
        return self._rewards, self._costs


def reward_of(past: Past) -> float:
    """Return what a ticket earned, 0 to 1."""
    if past.score is None:
        return 0.0
    if past.result != "rejected" and past.best is not None and past.score < past.best:
        return 1.0
    if past.before is not None and past.score < past.before:
        return 0.5
    return 0.0 if past.result == "rejected" else 0.1


def cost_of(past: Past, budget: Budget) -> float:
    """Return the share of the budget that a ticket used up, summed over its limits on evaluations, tokens and dollars.

    Where there is none of these, every evaluation costs the same.
    """
    evaluations = float(past.outcome not in UNCOUNTED)
    shares = [evaluations / budget.evaluations] if budget.evaluations else []
    shares += [past.spent.tokens / budget.tokens] if budget.tokens else []
    shares += [(past.spent.usd or 0.0) / budget.usd] if budget.usd else []
    return sum(shares) if shares else evaluations


def chosen(weights: Mapping[str, float], outcomes: Sequence[Outcome], rng: Random) -> str:
    """Return the arm that a bandit draws.

    Args:
        weights: static weight of each arm that may be drawn now.
        outcomes: of past tickets, oldest first; those of other arms are left out.
        rng: decides.
    """
    earned, spent, drawn = (dict.fromkeys(weights, 0.0) for _ in range(3))
    known, weight = 0, 1.0
    for arm, reward, cost in reversed(outcomes):
        if arm in drawn:
            earned[arm] += weight * reward
            spent[arm] += weight * cost
            drawn[arm] += weight
            known, weight = known + 1, weight * _DECAY
    tickets = sum(drawn.values())
    unit = sum(spent.values()) / (tickets or 1.0) or 1.0
    costs = {arm: (spent[arm] / unit + TURN * drawn[arm]) / (1.0 + TURN) for arm in weights}
    if rng.random() < max(FLOOR, SETTLING / (SETTLING + known)):
        # Trying costs as much of one arm as of another.
        shares = [weights[arm] * (drawn[arm] + PRIOR) / (costs[arm] + PRIOR) for arm in weights]
        return rng.choices(list(weights), shares)[0]
    # Never 0: before anything was earned, one arm is as good as another.
    rate = (sum(earned.values()) + 0.1) / (tickets + 1.0)

    def sampled(arm: str) -> float:
        return rng.gammavariate(earned[arm] + PRIOR * rate, 1.0 / (costs[arm] + PRIOR))

    return max(weights, key=sampled)
