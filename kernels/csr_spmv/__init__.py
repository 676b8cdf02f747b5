"""Problem ``csr-spmv``: a sparse matrix in compressed rows, even and power-law ones, times a vector."""

from ._problem import problem

__all__ = ["problem"]
