"""Problem ``moe-gating``: softmax over 128 experts, and the eight most likely of them."""

from ._problem import problem

__all__ = ["problem"]
