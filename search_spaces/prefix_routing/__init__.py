"""Problem ``prefix-routing``: which replica takes a request, where prompts share prefixes and replicas cache them."""

from ._routing import problem

__all__ = ["problem"]
