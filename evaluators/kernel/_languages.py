"""The languages that a kernel problem may be searched in, by the word that its option ``language`` takes."""

from typing import Literal, NamedTuple

Written = Literal["c++", "python", "cuda"]
Tool = Literal["g++", "numba", "triton", "nvcc", "torch"]
"""``torch`` is that of foreign tasks, whose candidates are called with tensors."""


class Language(NamedTuple):
    """How a kernel is written, and what turns it into machine code."""

    written: Written
    entry: str
    """The candidate's one file."""
    tool: Tool
    seed: str
    """File of the problem's folder with the seed."""
    designs: str
    """Folder in ``baselines/`` and ``experts/`` with what is known in this language."""


LANGUAGES = {
    "cpp": Language("c++", "kernel.cpp", "g++", "seed.cpp", "cpp"),
    "numba": Language("python", "kernel.py", "numba", "seed.py", "py"),
    "triton": Language("python", "kernel.py", "triton", "seed_triton.py", "triton"),
    "cuda": Language("cuda", "kernel.cu", "nvcc", "seed.cu", "cu"),
}
