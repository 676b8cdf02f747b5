"""Iterations of uneven pipelines: stages and micro-batches that differ, memory from scarce to ample, slow links."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field
from speciate.evaluators import Frozen, Split, Workload
from speciate.simulators.training import Ints, Pipeline, interleaved, plain, vee

LONGEST, SHORTEST = 2.5, 0.3
"""Lengths of micro-batches, relative to their mean, are cut at these."""
ATTENTION = 0.25
"""Share of a forward pass of mean length that grows with the square of the length. It has no weights."""


class PipelineOptions(Frozen):
    """What a user may choose."""

    scale: float = Field(default=1.0, ge=0.5, le=8.0)
    """Times the micro-batches of each workload."""
    heldout_seeds: int = Field(default=48, ge=2, le=64)


class Mix(NamedTuple):
    """One kind of pipeline; times are relative to the forward pass of a device, memory to its activation."""

    devices: int
    micro_batches: int
    layout: Literal["plain", "vee", "interleaved"]
    memory: float
    """Of each device, by what a micro-batch's activation takes on it times the devices: 1 is what 1F1B needs."""
    lengths: float = 0.0
    """Standard deviation of the logarithm of the micro-batches' lengths."""
    uneven: float = 0.0
    """The same of the stages' work: layers that do not divide evenly, embeddings, the head."""
    transfer: float = 0.0
    backward: float = 1.0
    weight: float = 1.0
    """Time of these passes of mean length, before attention: which takes twice as long backward."""
    kept: float = 0.6
    synchronised: bool = False


MIXES: Mapping[Split, Mapping[str, Mix]] = {
    "train": {
        "even": Mix(6, 16, "plain", 1.0, 0.0, 0.03, 0.05),
        "tight": Mix(8, 16, "plain", 1.0, 0.3, 0.10, 0.05, kept=1.0),
        "packed": Mix(6, 20, "plain", 1.4, 0.6, 0.05, 0.10),
        "far": Mix(6, 18, "plain", 1.7, 0.2, 0.10, 0.60),
        "vee": Mix(4, 12, "vee", 1.0, 0.3, 0.08, 0.05),
        "together": Mix(5, 15, "plain", 1.3, 0.4, 0.15, 0.10, 1.2, 0.8, synchronised=True),
    },
    "validation": {
        "even": Mix(7, 18, "plain", 1.0, 0.0, 0.05, 0.08),
        "tight": Mix(6, 18, "plain", 1.1, 0.4, 0.10, 0.05, kept=0.9),
        "packed": Mix(7, 18, "plain", 1.3, 0.5, 0.08, 0.15),
        "far": Mix(5, 15, "plain", 1.8, 0.3, 0.10, 0.50),
        "vee": Mix(5, 14, "vee", 1.1, 0.2, 0.05, 0.08),
        "together": Mix(6, 14, "plain", 1.5, 0.3, 0.10, 0.05, 1.1, 0.9, synchronised=True),
    },
    "heldout": {
        "even": Mix(8, 20, "plain", 1.0, 0.0, 0.04, 0.03),
        "tight": Mix(7, 21, "plain", 1.0, 0.35, 0.12, 0.08, kept=0.95),
        "packed": Mix(8, 20, "plain", 1.5, 0.7, 0.05, 0.05),
        "far": Mix(7, 16, "plain", 1.6, 0.2, 0.08, 0.80),
        "vee": Mix(6, 16, "vee", 1.0, 0.25, 0.10, 0.04),
        "dealt": Mix(4, 16, "interleaved", 1.6, 0.3, 0.08, 0.05),
        "together": Mix(6, 18, "plain", 1.2, 0.5, 0.10, 0.12, 1.3, 0.8, synchronised=True),
    },
}
SEEDS: Mapping[Split, tuple[int, int]] = {"train": (1, 4), "validation": (101, 3), "heldout": (40001, 0)}
"""First seed and number of seeds; held-out's number is an option."""


def generate(mix: Mix, seed: int, *, scale: float = 1.0) -> Pipeline:
    """Return the iteration of ``seed``. Lengths and stages each have a generator of their own."""
    lengths, stages = (np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(2))
    micros = max(1, round(mix.micro_batches * scale))
    length = np.clip(np.exp(mix.lengths * lengths.standard_normal(micros)), SHORTEST, LONGEST)
    length = length / length.mean()
    device = layout(mix)
    part = np.exp(mix.uneven * stages.standard_normal(len(device)))
    part = (part / part.mean() / (len(device) / mix.devices))[:, None]
    linear, square = (1.0 - ATTENTION) * length, ATTENTION * length**2
    activation = np.broadcast_to(length, (len(device), micros)) * (mix.devices / len(device))
    least = np.bincount(device, weights=activation.max(axis=1), minlength=mix.devices)
    return Pipeline(
        device=device,
        forward_s=part * (linear + square),
        backward_s=part * (mix.backward * linear + 2.0 * square),
        weight_s=part * mix.weight * linear,
        activation=activation,
        kept=mix.kept,
        capacity=np.maximum(mix.memory * mix.devices, least),
        transfer_s=mix.transfer,
        synchronised=mix.synchronised,
    )


def layout(mix: Mix) -> Ints:
    """Return the device of each stage."""
    if mix.layout == "vee":
        return vee(mix.devices)
    return plain(mix.devices) if mix.layout == "plain" else interleaved(mix.devices, 2)


def workloads(options: PipelineOptions, split: Split) -> tuple[Workload, ...]:
    """Return the workloads of ``split``: every mix with every seed, seeds outermost."""
    first, count = SEEDS[split]
    return tuple(
        Workload(name=f"{split}/{mix}/seed{seed}", split=split, seed=seed, params={"mix": mix})
        for seed in range(first, first + (count or options.heldout_seeds))
        for mix in MIXES[split]
    )


def pipeline_of(options: PipelineOptions, workload: Workload) -> Pipeline:
    """Return the iteration of a workload."""
    return generate(MIXES[workload.split][str(workload.params["mix"])], workload.seed, scale=options.scale)
