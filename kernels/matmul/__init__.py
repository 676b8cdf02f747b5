"""Problem ``matmul``: the product of two matrices in float32."""

from ._problem import problem

__all__ = ["problem"]
