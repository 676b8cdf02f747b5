"""Gates that stick, follow each other from layer to layer, and change with the text; guesses of varying quality."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.moe import Bools, Gates, Offload

AHEAD = 2
"""Layers for which there is a guess."""
FARTHER = 1.6
"""The error of a guess two layers ahead, relative to that of one layer ahead."""
CLOCK_ORIGIN = (1_000, 100_000)
"""Steps; between which the clock of a workload starts."""


class PrefetchOptions(Frozen):
    """What a user may choose."""

    steps: int = Field(default=120, ge=10, le=100_000)
    """Steps of each workload; each serves all layers."""
    layers: int = Field(default=6, ge=2, le=128)
    experts: int = Field(default=24, ge=4, le=512)
    """Of each layer."""
    chosen: int = Field(default=2, ge=1, le=16)
    """Experts that each token is sent to in each layer."""
    heldout_seeds: int = Field(default=16, ge=2, le=64)

    @model_validator(mode="after")
    def _fits(self) -> "PrefetchOptions":
        if self.chosen > self.experts // 2:
            raise ValueError(f"expected at most half of the experts to be chosen, got {self.chosen} of {self.experts}")
        return self


class Mix(NamedTuple):
    """How gates behave, how good the guesses are, and what the device and its link can do."""

    skew: float
    """Standard deviation of the logit of an expert's popularity in all texts."""
    topic: float
    """The same in one text: what its tokens share."""
    stay: float
    """Mean length of a text, in steps."""
    stick: float
    """By how much the logit of an expert rises that the token before had."""
    follow: float
    """By how much that of the partner rises of each expert chosen in the layer before."""
    tokens: int
    """Of a step, each with gates of its own: a batch, or a drafted chain."""
    error: float
    """Standard deviation of a guess's logit one layer ahead, in the first half of the run."""
    later: float
    """The same in the second half."""
    room: float
    """Share of all experts that fit on the device."""
    fetch: float
    """Time to fetch an expert, in layers of one token each."""
    attention: float = 0.5
    """Share of such a layer that passes before it is known which experts it wants."""


MIXES: Mapping[Split, Mapping[str, Mix]] = {
    "train": {
        "fast-link": Mix(0.8, 1.2, 40, 1.5, 1.5, 1, 0.8, 0.8, 0.20, 1.0),
        "slow-link": Mix(0.8, 1.5, 30, 2.0, 1.0, 1, 0.6, 1.6, 0.35, 6.0),
        "poor-guesses": Mix(1.2, 1.0, 50, 1.0, 2.0, 1, 3.0, 2.0, 0.25, 1.5),
        "batch": Mix(1.0, 1.5, 25, 1.5, 1.5, 3, 0.7, 2.5, 0.40, 1.2),
    },
    "validation": {
        "fast-link": Mix(0.7, 1.4, 30, 1.2, 1.8, 1, 1.0, 0.7, 0.25, 1.2),
        "slow-link": Mix(1.0, 1.2, 40, 1.8, 1.2, 1, 0.8, 1.2, 0.30, 5.0),
        "poor-guesses": Mix(1.0, 1.2, 40, 1.2, 1.6, 1, 2.5, 3.0, 0.22, 1.3),
        "batch": Mix(0.8, 1.7, 30, 1.2, 1.2, 4, 1.0, 2.0, 0.45, 1.4),
    },
    "heldout": {
        "fast-link": Mix(0.9, 1.1, 50, 1.8, 1.2, 1, 0.7, 1.0, 0.18, 0.9),
        "slow-link": Mix(0.7, 1.6, 25, 1.6, 1.4, 1, 0.5, 1.8, 0.40, 7.0),
        "poor-guesses": Mix(1.3, 0.9, 60, 0.8, 2.2, 1, 3.5, 2.5, 0.28, 1.7),
        "batch": Mix(1.1, 1.3, 20, 1.8, 1.0, 2, 0.6, 3.0, 0.35, 1.1),
        "drifting": Mix(0.3, 2.2, 12, 1.0, 1.0, 1, 1.2, 1.2, 0.30, 2.0),
    },
}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 2), "validation": (101, 2), "heldout": (20001, 0)}
"""First seed and number of seeds; held-out's number is an option."""


@dataclass(frozen=True)
class GateModel:
    """A mixture's gates: the highest logits win, each token's with noise of its own."""

    steps: int
    layers: int
    experts: int
    chosen: int
    mix: Mix

    @property
    def offload(self) -> Offload:
        """The device, in layers of one token."""
        mix = self.mix
        slots = round(mix.room * self.layers * self.experts)
        return Offload(slots, mix.fetch, mix.attention, (1.0 - mix.attention) / self.chosen)


def generate(model: GateModel, seed: int) -> Gates:
    """Return the gates of ``seed``. Popularity and texts, tokens, and guesses each have a generator of their own.

    A token's scores have Gumbel noise, so that experts are drawn in proportion to the exponential of their logits. A
    guess knows the score but for an error, and says how far it is from where the choice is cut off.
    """
    texts, tokens, errors = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    mix, shape = model.mix, (model.layers, model.experts)
    popular = mix.skew * texts.standard_normal(shape)
    partner = np.array([texts.permutation(model.experts) for _ in range(model.layers)])
    topic = mix.topic * texts.standard_normal(shape)
    chosen = np.zeros((mix.tokens, *shape), dtype=bool)
    wanted = np.empty((model.steps, *shape), dtype=bool)
    guess = np.empty((AHEAD, *wanted.shape))
    for step in range(model.steps):
        if texts.random() < 1.0 / mix.stay:
            topic = mix.topic * texts.standard_normal(shape)
        logit = popular + topic + mix.stick * chosen
        noise = tokens.gumbel(size=logit.shape)
        for layer in range(model.layers):
            score = logit[:, layer] + noise[:, layer]
            if layer:
                followed = np.zeros_like(chosen[:, layer])
                followed[:, partner[layer]] = chosen[:, layer - 1]
                score = score + mix.follow * followed
            chosen[:, layer] = _highest(score, model.chosen)
            error = mix.error if step < model.steps // 2 else mix.later
            for ahead in range(AHEAD):
                sigma = error * FARTHER**ahead
                guess[ahead, step, layer] = _probability(score, sigma, model.chosen, errors)
        wanted[step] = chosen.any(axis=0)
    return Gates(wanted, guess)


def _highest(score: np.ndarray, count: int) -> Bools:
    """Return which are the ``count`` highest of each row, shape (tokens, experts)."""
    best = np.argsort(-score, axis=1, kind="stable")[:, :count]
    found = np.zeros(score.shape, dtype=bool)
    np.put_along_axis(found, best, True, axis=1)
    return found


def _probability(score: np.ndarray, sigma: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the guessed probability that any token wants each expert, shape (experts,).

    A logistic curve round the score midway between the last expert that would be chosen and the next, as flat as the
    error is wide.
    """
    seen = score + sigma * rng.standard_normal(score.shape)
    ordered = np.sort(seen, axis=1)[:, ::-1]
    cut = ordered[:, count - 1 : count + 1].mean(axis=1, keepdims=True)
    missed = 1.0 / (1.0 + np.exp((seen - cut) / max(0.5 * sigma, 0.05)))
    found: np.ndarray = 1.0 - missed.prod(axis=0)
    return found


def workloads(options: PrefetchOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every mix with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(name=f"{split}/{mix}/seed{seed}", split=split, seed=seed, params={"mix": mix})
        for seed in range(first, first + (count or options.heldout_seeds))
        for mix in MIXES[split]
    )


@lru_cache(maxsize=64)
def _gates(model: GateModel, seed: int) -> Gates:
    return generate(model, seed)


def model_of(options: PrefetchOptions, workload: Workload) -> GateModel:
    """Return how a workload's gates behave."""
    mix = MIXES[workload.split][str(workload.params["mix"])]
    return GateModel(options.steps, options.layers, options.experts, options.chosen, mix)


def gates_of(options: PrefetchOptions, workload: Workload) -> Gates:
    """Return the gates of a workload."""
    return _gates(model_of(options, workload), workload.seed)


def start_of(workload: Workload) -> int:
    """Return what the clock of a workload says at its first step."""
    return int(np.random.Generator(np.random.PCG64(workload.seed)).integers(*CLOCK_ORIGIN))
