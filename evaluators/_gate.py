"""The reusable hold-out: validation scores are asked for through a noised, budgeted gate.

Whoever looks at the validation score of every design, over many runs, comes to fit the validation workloads too.
Thresholdout (Dwork, Feldman, Hardt, Pitassi, Reingold and Roth, "The reusable holdout: preserving validity in
adaptive data analysis", Science 349, 2015) gives validation away only where train cannot be believed: while
both agree within a noised threshold the answer is the *train* score, which tells nothing new of validation;
where they part it is the validation score with noise, and that costs one of a limited number of answers. What
is asked here is a design's gain over one reference design, since scores of different workloads do not compare.

The noise is seeded and a query's number decides its draws, so the answers are a function of what was asked
before: nothing random has to be stored. It guards against fitting by search, not against someone who computes
the noise on purpose.
"""

import math
from random import Random
from typing import Literal, NamedTuple

from pydantic import Field

from ._contract import Frozen


class GateSettings(Frozen):
    """How much a gate gives away. Gains are shares: 0.01 is 1 %."""

    threshold: float = Field(default=0.01, gt=0)
    """Train and validation gains further apart than this, noise aside, do not agree."""
    noise: float = Field(default=0.001, gt=0)
    """Scale of the Laplace noise on a validation answer; the threshold's is twice and a comparison's four times
    as large, as in the paper."""
    disagreements: int = Field(default=100, ge=1)
    """Validation answers that may be given: the budget of the paper."""
    queries: int = Field(default=2000, ge=1)
    """Queries in all: the paper's guarantee holds for so many that were fixed beforehand."""


class GateState(NamedTuple):
    """What was asked of one gate: plain data, all it depends on."""

    queries: int = 0
    disagreements: int = 0
    """Answered with a noised validation gain."""


class GateAnswer(NamedTuple):
    """What the gate says of one design."""

    gain: float | None
    """Over the reference, as a share; None once the budget is used up."""
    source: Literal["train", "validation", "exhausted"]
    margin: float
    """What is not known of ``gain``: the threshold for a train answer; for a validation answer the noise that one
    gate in twenty passes once or more in all the answers it may give, since the best of several designs is claimed."""

    @property
    def confirmed(self) -> bool:
        """Whether validation confirms that the design is better than the reference."""
        return self.gain is not None and self.gain > self.margin


class Gate(NamedTuple):
    """A gate: its settings, and the seed of its noise (any text that names it, the same in every run)."""

    seed: str
    settings: GateSettings = GateSettings()

    def exhausted(self, state: GateState) -> bool:
        """Return whether no further query is answered."""
        return state.disagreements >= self.settings.disagreements or state.queries >= self.settings.queries

    def ask(self, state: GateState, train: float, validation: float) -> tuple[GateAnswer, GateState]:
        """Return the answer to one query, and the state to keep.

        Args:
            state: what was asked before.
            train: the design's gain over the reference on train, as a share.
            validation: on validation; measured by the judge, to be shown to nobody.
        """
        settings = self.settings
        if self.exhausted(state):
            return GateAnswer(None, "exhausted", math.inf), state
        threshold = settings.threshold + self._noise("threshold", state.disagreements, 2 * settings.noise)
        slack = self._noise("compare", state.queries, 4 * settings.noise)
        if abs(train - validation) <= threshold + slack:
            return GateAnswer(train, "train", settings.threshold), state._replace(queries=state.queries + 1)
        gain = validation + self._noise("answer", state.queries, settings.noise)
        margin = settings.noise * math.log(10 * settings.disagreements)
        return GateAnswer(gain, "validation", margin), GateState(state.queries + 1, state.disagreements + 1)

    def _noise(self, what: str, number: int, scale: float) -> float:
        """Return the Laplace draw of scale ``scale`` that belongs to this query."""
        uniform = Random(f"gate/{self.seed}/{what}/{number}").random() - 0.5
        size = -scale * math.log(max(1 - 2 * abs(uniform), 1e-300))
        return math.copysign(size, uniform)
