"""Problem ``pipeline-schedule``: the order of forward, backward and weights' passes on a pipeline."""

from ._schedule import problem

__all__ = ["problem"]
