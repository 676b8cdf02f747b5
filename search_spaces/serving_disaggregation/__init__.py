"""Problem ``serving-disaggregation``: which replicas compute prompts, which decode, and who goes where."""

from ._disaggregation import problem

__all__ = ["problem"]
