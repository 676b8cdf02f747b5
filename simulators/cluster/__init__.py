"""Training jobs on GPUs of several types, placed anew every round: the world of cluster scheduling."""

from ._bounds import alone_s, least_makespan, least_mean_completion
from ._jobs import Cluster, Floats, Ints, TrainingJobs
from ._rounds import (
    CLUSTER_FIELDS,
    JOB_FIELDS,
    OFFER_FIELDS,
    DecisionError,
    Rank,
    RoundLimitError,
    Schedule,
    simulate,
)

__all__ = [
    "CLUSTER_FIELDS",
    "JOB_FIELDS",
    "OFFER_FIELDS",
    "Cluster",
    "DecisionError",
    "Floats",
    "Ints",
    "Rank",
    "RoundLimitError",
    "Schedule",
    "TrainingJobs",
    "alone_s",
    "least_makespan",
    "least_mean_completion",
    "simulate",
]
