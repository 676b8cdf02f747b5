"""What a pass of the target or of the drafter takes, by the number of tokens in it."""

from dataclasses import dataclass
from math import isfinite

SHARPNESS = 2.0
"""Of the bend between waiting for memory and computing; the blend exponents of real kernels lie between 1.2 and 3."""


@dataclass(frozen=True)
class Engine:
    """A target and its drafter on one device. Times are in passes of the target over very few tokens.

    Raises:
        ValueError: a knee that is not > 0, or a negative cost.
    """

    knee: float
    """Tokens of a pass at which computing takes as long as reading the weights."""
    draft_cost: float
    """Time of one pass of the drafter, in passes of the target over as many tokens. 0: looked up, not computed."""

    def __post_init__(self) -> None:
        if not self.knee > 0.0:
            raise ValueError(f"expected knee > 0, got {self.knee}")
        if not (isfinite(self.draft_cost) and self.draft_cost >= 0.0):
            raise ValueError(f"expected draft_cost >= 0, got {self.draft_cost}")

    def pass_time(self, tokens: float) -> float:
        """Return the time of one pass of the target: flat while it waits for memory, then linear in ``tokens``."""
        return float((1.0 + (tokens / self.knee) ** SHARPNESS) ** (1.0 / SHARPNESS))

    def slope(self, tokens: float) -> float:
        """Return the derivative of ``pass_time``: what one more token costs. It never falls."""
        return float(
            (tokens / self.knee) ** (SHARPNESS - 1.0) / self.knee * self.pass_time(tokens) ** (1.0 - SHARPNESS)
        )

    def step_time(self, sequences: int, length: int, width: int = 1) -> float:
        """Return the time of a step in which all of ``sequences`` draft ``length`` levels of ``width`` tokens."""
        drafting = length * self.draft_cost * self.pass_time(sequences)
        return drafting + self.pass_time(sequences * (1 + length * width))
