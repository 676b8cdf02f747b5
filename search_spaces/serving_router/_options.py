"""The options of the problem (``--option key=value``) and the clusters they choose between."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from speciate.evaluators import Frozen
from speciate.simulators.serving import ReplicaSpec, equal_cluster, mixed_speed_cluster

from .._options import parsed

Scenario = Literal["mixed", "equal"]


class RouterOptions(Frozen):
    """What a user may choose."""

    scenario: Scenario = "mixed"
    """``mixed``: four replicas of three speeds; ``equal``: four alike, scarce in KV memory."""
    trace: Path | None = None
    """An Azure LLM CSV to draw the requests from, instead of the generator."""
    tuned: Path | None = None
    """Constants of the baselines, from `speciate tune --out FILE`; None for those tuned on the generator."""
    requests: int = Field(default=4000, ge=200, le=100_000)
    """Requests of each workload."""
    heldout_seeds: int = Field(default=12, ge=2, le=64)
    real_seconds: float = Field(default=15.0, ge=1.0, le=600.0)
    """Of arrivals in each stream of a real run."""


def parse_options(options: Mapping[str, str]) -> RouterOptions:
    """Return the options. Raises ProblemError naming the first one that is wrong."""
    return parsed(RouterOptions, options, "serving-router")


@lru_cache(maxsize=2)
def cluster(scenario: Scenario) -> tuple[ReplicaSpec, ...]:
    """Return the replicas: A10-class GPUs serving Llama-3.1-8B."""
    return mixed_speed_cluster() if scenario == "mixed" else equal_cluster()
