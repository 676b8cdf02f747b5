"""What the problems of numerics share: exact references, all float32 inputs of an interval, and errors in ULP."""

from ._errors import Errors, least_error
from ._inputs import Chunk, Inputs, Stretch, bits_of
from ._problem import NumericFunction, Sampling, only
from ._references import exp, log, tanh

__all__ = [
    "Chunk",
    "Errors",
    "Inputs",
    "NumericFunction",
    "Sampling",
    "Stretch",
    "bits_of",
    "exp",
    "least_error",
    "log",
    "only",
    "tanh",
]
