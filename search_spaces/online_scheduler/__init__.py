"""Problem ``online-scheduler``: which job a machine serves next, with size predictions of varying quality."""

from ._scheduler import problem

__all__ = ["problem"]
