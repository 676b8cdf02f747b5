"""Waves of sequences whose acceptance switches, differs and drifts, in batches on both sides of the knee."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pydantic import Field
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.decoding import Engine, Floats, Ints, Text, Wave

RANKS = (0.5, 0.3, 0.2)
"""How alternatives that are right are spread over the drafter's second, third and fourth choice."""
BEYOND = 9
"""Rank of a token that no tree of ours reaches."""
ROUNDS = 2
"""Sequences of a wave, in times its slots."""


class SpeculationOptions(Frozen):
    """What a user may choose."""

    tokens: int = Field(default=120, ge=4, le=4000)
    """Median length of a sequence."""
    sequences: int = Field(default=8, ge=1, le=10_000)
    """Of a wave at least; wide waves have twice their slots."""
    heldout_seeds: int = Field(default=32, ge=2, le=64)


class Mix(NamedTuple):
    """A drafter, a machine, and text that is now easy, now hard."""

    easy: float
    """Probability that the drafter's first choice is right in an easy stretch."""
    hard: float
    """The same in a hard one."""
    stay: float
    """Mean length of a stretch, in tokens; the longer, the more the last tokens say of the next."""
    spread: float
    """Standard deviation of the logit of acceptance between sequences."""
    drift: float
    """The same of its change from one wave to the next, shared by all sequences: a new subject, say."""
    rescued: float
    """Share of wrong first choices to which one of the next three is the right one."""
    noise: float
    """Standard deviation of the logit of the drafter's confidence around the true probability."""
    bias: float
    """By how much that logit is too high."""
    draft_cost: float
    knee: float
    slots: tuple[int, ...]
    """Of each wave."""

    @property
    def engine(self) -> Engine:
        """The target and its drafter."""
        return Engine(self.knee, self.draft_cost)


MIXES: Mapping[Split, Mapping[str, Mix]] = {
    "train": {
        "bursty": Mix(0.90, 0.25, 15, 0.4, 0.6, 0.45, 1.6, 1.2, 0.10, 128.0, (2, 48, 4, 20)),
        "narrow": Mix(0.92, 0.35, 25, 0.5, 0.3, 0.35, 0.8, 0.5, 0.06, 160.0, (1, 4, 2, 8)),
        "wide": Mix(0.88, 0.40, 40, 0.7, 0.2, 0.25, 0.6, 0.8, 0.04, 96.0, (24, 64, 16)),
    },
    "validation": {
        "bursty": Mix(0.88, 0.30, 20, 0.5, 0.5, 0.35, 1.4, 1.5, 0.08, 144.0, (40, 3, 24, 2)),
        "narrow": Mix(0.90, 0.40, 20, 0.4, 0.4, 0.40, 0.9, 0.3, 0.08, 128.0, (2, 1, 6, 4)),
        "wide": Mix(0.90, 0.35, 30, 0.8, 0.3, 0.30, 0.5, 0.6, 0.05, 80.0, (32, 20, 56)),
    },
    "heldout": {
        "bursty": Mix(0.92, 0.20, 12, 0.5, 0.7, 0.40, 1.8, 0.9, 0.12, 112.0, (3, 56, 2, 16)),
        "narrow": Mix(0.94, 0.30, 30, 0.6, 0.3, 0.30, 0.7, 0.7, 0.05, 192.0, (1, 3, 8, 2)),
        "wide": Mix(0.86, 0.45, 35, 0.6, 0.3, 0.30, 0.8, 1.0, 0.04, 88.0, (20, 48, 72)),
        "steady": Mix(0.75, 0.65, 50, 0.3, 0.1, 0.35, 1.0, 0.5, 0.06, 128.0, (4, 32, 12)),
    },
}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 2), "validation": (101, 3), "heldout": (30001, 0)}
"""First seed and number of seeds; held-out's number is an option."""


@dataclass(frozen=True)
class TextModel:
    """Sequences of log-normal length in waves."""

    tokens: int
    sequences: int
    mix: Mix
    length_sigma: float = 0.5
    """Standard deviation of the logarithm of a sequence's length."""


def generate(model: TextModel, seed: int) -> tuple[Wave, ...]:
    """Return the waves of ``seed``. Lengths, acceptance and confidence each have a generator of their own."""
    lengths, truth, guesses = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    mix, shift = model.mix, 0.0
    waves = []
    for slots in mix.slots:
        count = max(model.sequences, ROUNDS * slots)
        sizes = np.maximum(1, model.tokens * np.exp(model.length_sigma * lengths.standard_normal(count))).astype(int)
        own = shift + mix.spread * truth.standard_normal(count)
        texts = []
        for size, offset in zip(sizes.tolist(), own.tolist(), strict=True):
            logit = _stretches(mix, size, truth) + offset
            said = logit + mix.bias + mix.noise * guesses.standard_normal(size)
            texts.append(Text(_ranks(mix, _probability(logit), truth), _probability(said)))
        waves.append(Wave(slots, tuple(texts)))
        shift += mix.drift * float(truth.standard_normal())
    return tuple(waves)


def _stretches(mix: Mix, size: int, rng: np.random.Generator) -> Floats:
    """Return the logit of acceptance of each token: easy and hard stretches of geometric length in turn."""
    switches = rng.random(size) < 1.0 / mix.stay
    easy = (np.cumsum(switches) + rng.integers(2)) % 2 == 0
    found: Floats = np.where(easy, _logit(mix.easy), _logit(mix.hard))
    return found


def _ranks(mix: Mix, probability: Floats, rng: np.random.Generator) -> Ints:
    """Return the rank of each token in the drafter's order."""
    size = len(probability)
    right, reached = rng.random(size) < probability, rng.random(size) < mix.rescued
    alternative = rng.choice(np.arange(1, 1 + len(RANKS)), size=size, p=RANKS)
    found: Ints = np.where(right, 0, np.where(reached, alternative, BEYOND))
    return found


def _logit(probability: float) -> float:
    return float(np.log(probability / (1.0 - probability)))


def _probability(logit: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-logit))
    return found


def workloads(options: SpeculationOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every mix with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(name=f"{split}/{mix}/seed{seed}", split=split, seed=seed, params={"mix": mix})
        for seed in range(first, first + (count or options.heldout_seeds))
        for mix in MIXES[split]
    )


@lru_cache(maxsize=64)
def _waves(model: TextModel, seed: int) -> tuple[Wave, ...]:
    return generate(model, seed)


def mix_of(workload: Workload) -> Mix:
    """Return a workload's mix."""
    return MIXES[workload.split][str(workload.params["mix"])]


def waves_of(options: SpeculationOptions, workload: Workload) -> tuple[Wave, ...]:
    """Return the waves of a workload."""
    return _waves(TextModel(options.tokens, options.sequences, mix_of(workload)), workload.seed)
