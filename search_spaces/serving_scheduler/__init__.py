"""Problem ``serving-scheduler``: which requests join the next iteration of a serving engine, and who leaves it."""

from ._scheduler import problem

__all__ = ["problem"]
