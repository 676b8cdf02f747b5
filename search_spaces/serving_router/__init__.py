"""Problem ``serving-router``: which replica of an LLM-serving cluster takes a request, and in what order."""

from ._router import problem

__all__ = ["problem"]
