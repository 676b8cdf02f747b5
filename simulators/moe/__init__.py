"""Experts of a mixture on devices: which device holds which, what a window of tokens costs, and what moves cost."""

from ._bounds import least_peak
from ._cluster import Cluster, contiguous
from ._placement import PlacementError, device_loads, moved
from ._routing import expected_distinct
from ._windows import Outcome, Planner, simulate

__all__ = [
    "Cluster",
    "Outcome",
    "PlacementError",
    "Planner",
    "contiguous",
    "device_loads",
    "expected_distinct",
    "least_peak",
    "moved",
    "simulate",
]
