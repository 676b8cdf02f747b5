"""Clusters the problems and tests are stated on."""

from ._efficiency import EFFICIENCIES
from ._hardware import GPUS
from ._iteration import iteration_model
from ._models import MODELS
from ._trace import ReplicaSpec

A10_BLOCKS = 2756
"""KV blocks an A10 has left beside Llama-3.1-8B (the published head-room admission study)."""


def a10_replica() -> ReplicaSpec:
    """Return Llama-3.1-8B on an A10-class GPU (125 TFLOP/s, 600 GB/s), chunks of 2,048 tokens."""
    cost = iteration_model(MODELS["Llama-3.1-8B"], GPUS["A10"], EFFICIENCIES["A10"])
    return ReplicaSpec(cost=cost, blocks=A10_BLOCKS)


def equal_cluster(replicas: int = 4) -> tuple[ReplicaSpec, ...]:
    """Return ``replicas`` equal A10-class replicas, short of KV memory: the cluster of the head-room study."""
    return (a10_replica(),) * replicas


def mixed_speed_cluster() -> tuple[ReplicaSpec, ...]:
    """Return two A10-class replicas, one at half speed, and one at 2.5 times the speed with 9,000 blocks."""
    base = a10_replica()
    return (base, base, base.scaled(0.5), base.scaled(2.5, blocks=9000))
