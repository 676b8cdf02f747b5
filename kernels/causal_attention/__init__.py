"""Problem ``causal-attention``: attention of several heads in which no position sees a later one."""

from ._problem import problem

__all__ = ["problem"]
