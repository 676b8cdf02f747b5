"""Problem ``moe-grouped-gemm``: every token times the matrix of its expert, where a few experts have most tokens."""

from ._problem import problem

__all__ = ["problem"]
