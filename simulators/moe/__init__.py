"""Experts of a mixture on devices: which device holds which, what tokens and moves cost, what to fetch beforehand."""

from ._bounds import least_fetches, least_peak, least_service_time
from ._cluster import Cluster, contiguous
from ._gates import Bools, Gates, Offload
from ._memory import PriorityError
from ._placement import PlacementError, device_loads, moved
from ._prefetch import CANDIDATES, DEVICE_FIELDS, EXPERT_FIELDS, Prefetching, Service, serve
from ._routing import expected_distinct
from ._windows import Outcome, Planner, simulate

__all__ = [
    "CANDIDATES",
    "DEVICE_FIELDS",
    "EXPERT_FIELDS",
    "Bools",
    "Cluster",
    "Gates",
    "Offload",
    "Outcome",
    "PlacementError",
    "Planner",
    "Prefetching",
    "PriorityError",
    "Service",
    "contiguous",
    "device_loads",
    "expected_distinct",
    "least_fetches",
    "least_peak",
    "least_service_time",
    "moved",
    "serve",
    "simulate",
]
