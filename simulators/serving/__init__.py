"""An LLM-serving cluster: continuous batching over paged KV memory, behind a central queue and a router.

    >>> from speciate.simulators.serving import Trace, mixed_speed_cluster, simulate
    >>> result = simulate(mixed_speed_cluster(), trace, router)   # doctest: +SKIP
    >>> result.check(); result.metrics()["mean_latency_s"]        # doctest: +SKIP
"""

from ._bounds import cluster_lower_bound, isolated_latencies, isolated_latency
from ._cluster import simulate
from ._errors import CalibrationError, ConservationError, DecisionError, EventLimitError, SimulationError
from ._hardware import GPUS, Gpu
from ._iteration import EFFICIENCIES, AllReduce, Efficiency, IterationModel, iteration_model
from ._models import MODELS, LanguageModel
from ._observation import (
    CLUSTER_FIELDS,
    HOLD,
    REPLICA_FIELDS,
    REQUEST_FIELDS,
    Router,
    observation_width,
)
from ._presets import a10_replica, equal_cluster, mixed_speed_cluster
from ._result import Decisions, ReplicaTotals, Result
from ._trace import ReplicaSpec, Trace

__all__ = [
    "CLUSTER_FIELDS",
    "EFFICIENCIES",
    "GPUS",
    "HOLD",
    "MODELS",
    "REPLICA_FIELDS",
    "REQUEST_FIELDS",
    "AllReduce",
    "CalibrationError",
    "ConservationError",
    "DecisionError",
    "Decisions",
    "Efficiency",
    "EventLimitError",
    "Gpu",
    "IterationModel",
    "LanguageModel",
    "ReplicaSpec",
    "ReplicaTotals",
    "Result",
    "Router",
    "SimulationError",
    "Trace",
    "a10_replica",
    "cluster_lower_bound",
    "equal_cluster",
    "isolated_latencies",
    "isolated_latency",
    "iteration_model",
    "mixed_speed_cluster",
    "observation_width",
    "simulate",
]
