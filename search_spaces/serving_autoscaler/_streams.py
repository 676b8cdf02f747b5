"""Arrivals whose rate has tides, levels and surges, with every assumption a parameter."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID_S = 1.0
"""Resolution of the rate."""


@dataclass(frozen=True)
class RateModel:
    """A rate of arrivals over time: mean x tide x level x surge."""

    mean: float
    """Requests a second, before levels and surges."""
    swing: float = 0.0
    """The tide goes up and down by this share."""
    period_s: float = 900.0
    """Of the tide; its phase is the seed's."""
    level_sigma: float = 0.0
    """Standard deviation of the logarithm of a level."""
    level_s: float = 300.0
    """Mean time that a level lasts, exponential."""
    surge: float = 1.0
    """Factor of a surge."""
    surge_every_s: float = 450.0
    """Mean time between surges, exponential."""
    surge_s: float = 150.0
    """Time that one lasts."""

    def __post_init__(self) -> None:
        if self.mean <= 0 or not 0.0 <= self.swing < 1.0 or self.level_sigma < 0 or self.surge < 1.0:
            raise ValueError(
                "mean > 0, 0 <= swing < 1, level_sigma >= 0, surge >= 1 must hold, got "
                f"{self.mean=}, {self.swing=}, {self.level_sigma=}, {self.surge=}"
            )
        times = (self.period_s, self.level_s, self.surge_every_s, self.surge_s)
        if min(times) <= 0:
            raise ValueError(f"period_s, level_s, surge_every_s and surge_s must be > 0, got {times}")

    def rates(self, seconds: float, draw: np.random.Generator) -> NDArray[np.float64]:
        """Return the rate (requests a second) at 0, 1, 2, ... s up to ``seconds``."""
        at = np.arange(0.0, seconds + GRID_S, GRID_S)
        tide = 1.0 + self.swing * np.sin(2.0 * math.pi * (at / self.period_s + draw.uniform()))
        changes = np.cumsum(draw.exponential(self.level_s, 2 * math.ceil(seconds / self.level_s) + 32))
        levels = np.exp(self.level_sigma * draw.standard_normal(len(changes) + 1))
        # A surge begins with the exponential wait after the one before ended.
        begins = np.cumsum(draw.exponential(self.surge_every_s, 2 * math.ceil(seconds / self.surge_every_s) + 32))
        begins += self.surge_s * np.arange(len(begins))
        latest = np.searchsorted(begins, at, side="right") - 1
        surging = (latest >= 0) & (at - begins[latest] < self.surge_s)
        return np.asarray(self.mean * tide * levels[np.searchsorted(changes, at)] * np.where(surging, self.surge, 1.0))


def arrivals(model: RateModel, seconds: float, draw: np.random.Generator) -> NDArray[np.float64]:
    """Return times of arrival (s) between 0 and ``seconds``: a Poisson process of the model's rate (time change)."""
    rates = model.rates(seconds, draw)
    mass = np.concatenate(([0.0], np.cumsum(0.5 * GRID_S * (rates[1:] + rates[:-1]))))
    points = np.sort(draw.uniform(0.0, mass[-1], draw.poisson(mass[-1])))
    return np.asarray(np.interp(points, mass, np.arange(len(mass)) * GRID_S), dtype=np.float64)
