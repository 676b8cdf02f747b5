"""Problem ``cluster-scheduler``: which training jobs run on which GPUs of which type."""

from ._scheduler import problem

__all__ = ["problem"]
