"""The options of the problem (``--option key=value``) and the clusters they choose between."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from speciate.evaluators import Frozen, ProblemError
from speciate.simulators.serving import ReplicaSpec, iteration_model

Scenario = Literal["mixed", "equal"]


class RouterOptions(Frozen):
    """What a user may choose."""

    scenario: Scenario = "mixed"
    """``mixed``: four replicas of three speeds; ``equal``: four alike, scarce in KV memory."""
    trace: Path | None = None
    """An Azure LLM CSV to draw the requests from, instead of the generator."""
    requests: int = Field(default=4000, ge=200, le=100_000)
    """Requests of each workload."""
    heldout_seeds: int = Field(default=12, ge=2, le=64)


def parse_options(options: Mapping[str, str]) -> RouterOptions:
    """Return the options. Raises ProblemError naming the first one that is wrong."""
    try:
        return RouterOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        known = ", ".join(RouterOptions.model_fields)
        raise ProblemError(
            f"serving-router, option {name!r}: {first['msg']} (got {first['input']!r}); options are: {known}"
        ) from error


BLOCKS = 2756
"""KV blocks of 16 tokens an A10-class GPU has left beside Llama-3.1-8B."""
FAST_BLOCKS = 9000


@lru_cache(maxsize=2)
def cluster(scenario: Scenario) -> tuple[ReplicaSpec, ...]:
    """Return the replicas: A10-class GPUs serving Llama-3.1-8B.

    ``mixed``: two ordinary ones, one at half speed, one at 2.5 times the speed with 9,000 blocks.
    """
    ordinary = ReplicaSpec(cost=iteration_model("A10", "Llama-3.1-8B"), blocks=BLOCKS, speed=1.0)
    if scenario == "equal":
        return (ordinary,) * 4
    return (
        ordinary,
        ordinary,
        ordinary.scaled(0.5),
        ordinary.scaled(2.5, blocks=FAST_BLOCKS),
    )
