"""The options of the problem (``--option key=value``)."""

from pathlib import Path

from pydantic import Field, field_validator
from speciate.evaluators import Frozen

LARGEST_CLUSTER = 100_000


class ClusterOptions(Frozen):
    """What a user may choose."""

    jobs: int = Field(default=180, ge=20, le=10_000)
    """Jobs of each workload; fewer where a log's part does not give windows of so many."""
    gpus: tuple[int, ...] = Field(default=(12, 8, 8), min_length=1)
    """Of each type: slow, middle, fast for the generator; k80, p100, v100 for a Gavel trace. A log that knows of one
    type only is run on as many GPUs of one type."""
    trace: Path | None = None
    """A Gavel trace or the CSV of Tiresias to take the jobs from, instead of the generator."""
    throughputs: Path | None = None
    """Throughputs for a Gavel trace; None for ``simulation_throughputs.json`` beside it."""
    tuned: Path | None = None
    """Constants of the baselines, from `speciate tune --out FILE`; None for those tuned on the generator."""
    heldout_seeds: int = Field(default=32, ge=2, le=64)

    @field_validator("gpus", mode="before")
    @classmethod
    def _listed(cls, told: object) -> object:
        return told.split(",") if isinstance(told, str) else told

    @field_validator("gpus")
    @classmethod
    def _three_types(cls, told: tuple[int, ...]) -> tuple[int, ...]:
        if len(told) != 3 or not all(1 <= count <= LARGEST_CLUSTER for count in told):
            raise ValueError(f"expected three numbers from 1 to {LARGEST_CLUSTER}, such as 12,8,8")
        return told
