"""An LLM-serving cluster: continuous batching over paged KV memory, behind a central queue and a router.

>>> from speciate.simulators.serving import Trace, mixed_speed_cluster, simulate
>>> result = simulate(mixed_speed_cluster(), trace, router)   # doctest: +SKIP
>>> result.check(); result.metrics()["mean_latency_s"]        # doctest: +SKIP
"""

from ._autoscaling import FLEET_FIELDS, Scaler, simulate_fleet
from ._bounds import cluster_lower_bound, isolated_latencies, isolated_latency
from ._calibration import (
    Calibration,
    EngineProfile,
    KernelProfile,
    MeasuredIterations,
    calibrate,
    fit_gemm,
    fit_host,
    measured_iterations,
)
from ._capacity import capacity
from ._cluster import simulate
from ._efficiency import EFFICIENCIES, Efficiency, elementwise_seconds, gemm_seconds
from ._errors import CalibrationError, ConservationError, DecisionError, EventLimitError, SimulationError
from ._fleet import FleetSpec
from ._fleet_result import FleetResult
from ._hardware import GPUS, Gpu
from ._iteration import AllReduceTable, HeadTable, IterationModel, iteration_model
from ._models import MODELS, LanguageModel
from ._observation import (
    CLUSTER_FIELDS,
    HOLD,
    REPLICA_FIELDS,
    REQUEST_FIELDS,
    Router,
    observation_width,
)
from ._prefix_cluster import (
    PREFIX_REPLICA_FIELDS,
    PREFIX_REQUEST_FIELDS,
    CachingReplica,
    Placer,
    simulate_prefixes,
)
from ._prefixes import PrefixCache, PrefixTrace
from ._presets import a10_replica, equal_cluster, mixed_speed_cluster
from ._promises import HostMemory, Promises
from ._queueing import Dispatch, Order, QueueResult, simulate_queue
from ._result import Decisions, ReplicaTotals, Result
from ._schedule_bounds import fleet_bound, least_seconds, schedule_bound
from ._schedule_result import ScheduleResult
from ._schedule_view import ENGINE_FIELDS, JOB_FIELDS, Scheduler, Tally
from ._scheduling import Server, simulate_schedule
from ._split_cluster import (
    SPLIT_REPLICA_FIELDS,
    SPLIT_REQUEST_FIELDS,
    Controller,
    Fabric,
    Role,
    Site,
    simulate_split,
)
from ._split_result import SplitResult
from ._trace import ReplicaSpec, Trace

__all__ = [
    "CLUSTER_FIELDS",
    "EFFICIENCIES",
    "ENGINE_FIELDS",
    "FLEET_FIELDS",
    "GPUS",
    "HOLD",
    "JOB_FIELDS",
    "MODELS",
    "PREFIX_REPLICA_FIELDS",
    "PREFIX_REQUEST_FIELDS",
    "REPLICA_FIELDS",
    "REQUEST_FIELDS",
    "SPLIT_REPLICA_FIELDS",
    "SPLIT_REQUEST_FIELDS",
    "AllReduceTable",
    "CachingReplica",
    "Calibration",
    "CalibrationError",
    "ConservationError",
    "Controller",
    "DecisionError",
    "Decisions",
    "Dispatch",
    "Efficiency",
    "EngineProfile",
    "EventLimitError",
    "Fabric",
    "FleetResult",
    "FleetSpec",
    "Gpu",
    "HeadTable",
    "HostMemory",
    "IterationModel",
    "KernelProfile",
    "LanguageModel",
    "MeasuredIterations",
    "Order",
    "Placer",
    "PrefixCache",
    "PrefixTrace",
    "Promises",
    "QueueResult",
    "ReplicaSpec",
    "ReplicaTotals",
    "Result",
    "Role",
    "Router",
    "Scaler",
    "ScheduleResult",
    "Scheduler",
    "Server",
    "SimulationError",
    "Site",
    "SplitResult",
    "Tally",
    "Trace",
    "a10_replica",
    "calibrate",
    "capacity",
    "cluster_lower_bound",
    "elementwise_seconds",
    "equal_cluster",
    "fit_gemm",
    "fit_host",
    "fleet_bound",
    "gemm_seconds",
    "isolated_latencies",
    "isolated_latency",
    "iteration_model",
    "least_seconds",
    "measured_iterations",
    "mixed_speed_cluster",
    "observation_width",
    "schedule_bound",
    "simulate",
    "simulate_fleet",
    "simulate_prefixes",
    "simulate_queue",
    "simulate_schedule",
    "simulate_split",
]
