"""The kernel judge: kernels are built and run in a sandbox, and checked and timed out of their reach."""

from ._arena import Arrays
from ._bars import release_bars
from ._case import DISTRIBUTIONS, Case, draw
from ._gpus import look as look_for_gpus
from ._interface import C_TYPES, Buffer, KernelInterface, Sizes
from ._problem import KernelProblem
from ._session import Kernel
from ._toolkit import INSTALL, toolkit

__all__ = [
    "C_TYPES",
    "DISTRIBUTIONS",
    "INSTALL",
    "Arrays",
    "Buffer",
    "Case",
    "Kernel",
    "KernelInterface",
    "KernelProblem",
    "Sizes",
    "draw",
    "look_for_gpus",
    "release_bars",
    "toolkit",
]
