"""One training iteration on a pipeline of devices: forward, backward and weight-gradient passes under a memory cap."""

from ._bounds import least_period
from ._layouts import interleaved, plain, vee
from ._passes import (
    DEVICE_FIELDS,
    PASS_FIELDS,
    PIPELINE_FIELDS,
    DecisionError,
    Iteration,
    Rank,
    simulate,
)
from ._pipeline import Floats, Ints, Pipeline

__all__ = [
    "DEVICE_FIELDS",
    "PASS_FIELDS",
    "PIPELINE_FIELDS",
    "DecisionError",
    "Floats",
    "Ints",
    "Iteration",
    "Pipeline",
    "Rank",
    "interleaved",
    "least_period",
    "plain",
    "simulate",
    "vee",
]
