"""The kernel judge: kernels are built and run in a sandbox, and checked and timed out of their reach."""

from ._arena import Arrays
from ._bars import release_bars
from ._case import DISTRIBUTIONS, Case, draw
from ._gpus import look as look_for_gpus
from ._interface import C_TYPES, Buffer, KernelInterface, Sizes
from ._pages import HUGE_PAGES_SWITCH, huge_pages_granted
from ._problem import KernelProblem
from ._session import Kernel
from ._toolkit import INSTALL, toolkit

__all__ = [
    "C_TYPES",
    "DISTRIBUTIONS",
    "HUGE_PAGES_SWITCH",
    "INSTALL",
    "Arrays",
    "Buffer",
    "Case",
    "Kernel",
    "KernelInterface",
    "KernelProblem",
    "Sizes",
    "draw",
    "huge_pages_granted",
    "look_for_gpus",
    "release_bars",
    "toolkit",
]
