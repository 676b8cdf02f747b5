"""Problem ``serving-autoscaler``: how many replicas of a serving engine there are, where starting one takes time."""

from ._autoscaler import problem

__all__ = ["problem"]
