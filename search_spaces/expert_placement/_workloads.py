"""Loads of experts: heavy-tailed, different in every layer, drifting, and counted from a limited number of tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.moe import Cluster

TOPICS = 6
"""Kinds of text that experts share; what happens to a topic's traffic happens to its experts in every layer."""


class PlacementOptions(Frozen):
    """What a user may choose."""

    layers: int = Field(default=6, ge=1, le=128)
    experts: int = Field(default=64, ge=2, le=1024)
    devices: int = Field(default=8, ge=2, le=256)
    nodes: int = Field(default=2, ge=1, le=64)
    slots_per_device: int = Field(default=9, ge=1, le=256)
    """Experts of each layer that a device holds; what is more than ``experts`` in all is for copies."""
    windows: int = Field(default=10, ge=2, le=1000)
    """Windows that are served."""
    history: int = Field(default=8, ge=1, le=100)
    """Past windows that are shown."""
    heldout_seeds: int = Field(default=32, ge=2, le=64)

    @model_validator(mode="after")
    def _fits(self) -> "PlacementOptions":
        if self.cluster.slots < self.experts:
            raise ValueError(f"expected slots for {self.experts} experts, got {self.cluster.slots}")
        return self

    @property
    def cluster(self) -> Cluster:
        """What the experts are placed on."""
        return Cluster(self.devices, self.nodes, self.slots_per_device)


class Mix(NamedTuple):
    """How loads behave, and what it costs to follow them."""

    skew: float
    """Standard deviation of the logarithm of an expert's popularity, to which it returns in the long run."""
    drift: float
    """Standard deviation of its change from one window to the next, in a typical layer."""
    momentum: float
    """Correlation of one change with the next: 0 is a random walk, near 1 a trend."""
    jumps: float
    """Probability that a topic becomes another one's in a window, with all its experts."""
    correlation: float
    """Share of the variance of popularity and drift that is the topic's."""
    tokens: int
    """Tokens times chosen experts in a window, of each layer: the fewer, the noisier what is counted."""
    move_cost: float
    """Of fetching everything anew, in windows of perfect balance."""


MIXES: Mapping[Split, Mapping[str, Mix]] = {
    "train": {
        "noisy": Mix(1.2, 0.10, 0.0, 0.0, 0.2, 3_000, 0.15),
        "trending": Mix(1.2, 0.22, 0.8, 0.0, 0.3, 60_000, 0.06),
        "jumping": Mix(1.1, 0.15, 0.2, 0.08, 0.7, 20_000, 0.30),
    },
    "validation": {
        "noisy": Mix(1.1, 0.12, 0.1, 0.0, 0.3, 4_000, 0.20),
        "trending": Mix(1.1, 0.18, 0.85, 0.0, 0.2, 40_000, 0.08),
        "jumping": Mix(1.2, 0.18, 0.0, 0.10, 0.6, 15_000, 0.20),
    },
    "heldout": {
        "noisy": Mix(1.3, 0.08, 0.0, 0.0, 0.1, 2_500, 0.12),
        "trending": Mix(1.2, 0.25, 0.75, 0.0, 0.4, 80_000, 0.05),
        "jumping": Mix(1.2, 0.12, 0.3, 0.07, 0.8, 30_000, 0.35),
        "calm": Mix(1.4, 0.06, 0.4, 0.01, 0.4, 25_000, 0.10),
    },
}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 8), "validation": (101, 6), "heldout": (40001, 0)}
"""First seed and number of seeds; held-out's number is an option."""


@dataclass(frozen=True)
class LoadModel:
    """A mixture's traffic: log-normal popularities that drift, pulled back so that the skew stays."""

    windows: int
    layers: int
    experts: int
    mix: Mix
    pace: float = 0.6
    """Standard deviation of the logarithm of the layers' own drifts."""


def generate(model: LoadModel, seed: int) -> npt.NDArray[np.float64]:
    """Return the tokens for each expert, shape (windows, layers, experts).

    Popularities, jumps and counts each have a generator of their own, so that a change of one leaves the others.
    """
    walk, jumps, counts = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(3)
    )
    mix, shape = model.mix, (model.layers, model.experts)
    topic = walk.integers(TOPICS, size=shape)
    drift = mix.drift * np.exp(model.pace * walk.standard_normal((model.layers, 1)))
    # Changes of variance d^2 and correlation m, pulled back by p, keep a variance of d^2 (1 + m) / (1 - m) / 2 p.
    pull = np.minimum(drift**2 * (1 + mix.momentum) / (1 - mix.momentum) / (2 * mix.skew**2), 1.0)
    popularity, change = mix.skew * _shared(walk, topic, mix), _shared(walk, topic, mix)
    loads = np.empty((model.windows, *shape))
    for window in range(model.windows):
        weight = np.exp(popularity)
        loads[window] = counts.multinomial(mix.tokens, weight / weight.sum(axis=1, keepdims=True))
        change = mix.momentum * change + np.sqrt(1 - mix.momentum**2) * _shared(walk, topic, mix)
        popularity = popularity * (1 - pull) + drift * change
        fresh = mix.skew * np.sqrt(mix.correlation) * jumps.standard_normal(TOPICS)
        jump = np.where(jumps.random(TOPICS) < mix.jumps, fresh, 0.0)
        popularity = popularity + jump[topic]
    return loads


def _shared(rng: np.random.Generator, topic: npt.NDArray[np.int64], mix: Mix) -> npt.NDArray[np.float64]:
    """Return standard normal numbers, shape (layers, experts), which a topic's experts share in part."""
    own, common = rng.standard_normal(topic.shape), rng.standard_normal(TOPICS)[topic]
    mixed: npt.NDArray[np.float64] = np.sqrt(1 - mix.correlation) * own + np.sqrt(mix.correlation) * common
    return mixed


def workloads(options: PlacementOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every mix with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(name=f"{split}/{mix}/seed{seed}", split=split, seed=seed, params={"mix": mix})
        for seed in range(first, first + (count or options.heldout_seeds))
        for mix in MIXES[split]
    )


@lru_cache(maxsize=64)
def _loads(model: LoadModel, seed: int) -> npt.NDArray[np.float64]:
    loads = generate(model, seed)
    loads.flags.writeable = False
    return loads


def mix_of(workload: Workload) -> Mix:
    """Return how a workload's loads behave."""
    return MIXES[workload.split][str(workload.params["mix"])]


def loads_of(options: PlacementOptions, workload: Workload) -> npt.NDArray[np.float64]:
    """Return the loads of a workload: ``history`` windows to look back on, then those that are served."""
    windows = options.history + options.windows
    return _loads(LoadModel(windows, options.layers, options.experts, mix_of(workload)), workload.seed)
