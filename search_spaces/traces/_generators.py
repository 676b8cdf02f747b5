"""Seeded generators of LLM request streams, with every assumption a parameter.

Lengths are log-normal, arrivals Poisson or bursty; the defaults are fitted to what public chat traces look
like (means near ShareGPT's). No trace is shipped, and none is needed.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from speciate.simulators.serving import Trace


class Lengths(NamedTuple):
    """A log-normal length in tokens, rounded up and clipped to ``[1, longest]``."""

    median: float
    sigma: float
    longest: int

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return ``n`` lengths, shape ``(n,)``."""
        drawn = np.ceil(rng.lognormal(math.log(self.median), self.sigma, n))
        return np.clip(drawn, 1, self.longest).astype(np.int64)


CHAT_PROMPT = Lengths(median=520.0, sigma=1.0, longest=8192)
CHAT_OUTPUT = Lengths(median=435.0, sigma=0.9, longest=4096)


@dataclass(frozen=True)
class StreamModel:
    """A request stream."""

    rate: float
    """Requests per second, long-run mean."""
    requests: int
    prompt: Lengths = CHAT_PROMPT
    output: Lengths = CHAT_OUTPUT
    prediction_sigma: float = 0.6
    """The predictor's error: predicted = true x exp(N(0, sigma)), so its median is right."""
    burst_factor: float = 1.0
    """1 is Poisson. Above 1, the rate alternates between ``burst_factor`` x and ``2 - burst_factor`` x the mean."""
    burst_s: float = 60.0
    """Mean length of a busy and of a calm period, each exponential."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.burst_factor < 2.0:
            raise ValueError(f"1 <= burst_factor < 2 must hold (the calm rate is positive), got {self.burst_factor=}")
        if self.rate <= 0 or self.requests < 1 or self.prediction_sigma < 0:
            raise ValueError(
                f"rate > 0, requests >= 1, prediction_sigma >= 0 must hold, got {self.rate=}, {self.requests=}, "
                f"{self.prediction_sigma=}"
            )


def generate(model: StreamModel, seed: int) -> Trace:
    """Return the stream of ``seed``. Arrivals, lengths and predictions each have a generator of their own.

    So a change of the rate leaves the lengths as they were: common random numbers across loads.
    """
    at, prompts, outputs, errors = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(4)
    )
    output = model.output.draw(model.requests, outputs)
    return Trace(
        arrival_s=arrivals(model, at),
        prompt_tokens=model.prompt.draw(model.requests, prompts),
        output_tokens=output,
        predicted_output=predict(output, model.prediction_sigma, model.output.longest, errors),
    )


def predict(output: NDArray[np.int64], sigma: float, longest: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return noisy predictions of ``output`` (tokens), between 1 and ``longest``."""
    noisy = output * rng.lognormal(0.0, sigma, len(output)) if sigma else output.astype(float)
    return np.clip(np.round(noisy), 1, longest).astype(np.int64)


def arrivals(model: StreamModel, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return arrival times (s): unit-rate Poisson points, stretched where the rate is low (time change)."""
    points = np.cumsum(rng.exponential(1.0, model.requests))
    if model.burst_factor == 1.0:
        return points / model.rate
    periods = rng.exponential(model.burst_s, 2 * int(points[-1] / (model.rate * model.burst_s)) + 64)
    rates = model.rate * np.where(np.arange(len(periods)) % 2 == 0, model.burst_factor, 2 - model.burst_factor)
    ends = np.concatenate(([0.0], np.cumsum(periods)))
    mass = np.concatenate(([0.0], np.cumsum(periods * rates)))
    if mass[-1] < points[-1]:
        raise ArithmeticError(f"burst periods cover {mass[-1]:.0f} of {points[-1]:.0f} arrivals; lengthen burst_s")
    return np.interp(points, mass, ends)
