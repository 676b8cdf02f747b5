"""The published routers, each in its strongest form: one file in ``baselines/``, its constants in ``tuned.toml``."""

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from speciate.evaluators import Baseline, Candidate, Parameter, SourceFile, with_constants

SPEED = Parameter(name="SPEED_POWER", low=0.0, high=2.0)
HEADROOM = Parameter(name="HEADROOM", low=0.0, high=0.3)
GROWTH = Parameter(name="GROWTH", low=0.0, high=2.0)
PROMPT_OFFSET = Parameter(name="PROMPT_OFFSET", low=1.0, high=3000.0, log=True)
OUTPUT_POWER = Parameter(name="OUTPUT_POWER", low=0.0, high=2.0)
PREFILL = Parameter(name="PREFILL_S", low=1e-5, high=5e-2, log=True)
KV = Parameter(name="KV_WEIGHT", low=0.0, high=8.0)

SHELF: tuple[tuple[str, str, str, tuple[Parameter, ...]], ...] = (
    ("uniform_random", "uniform random", "yardstick", ()),
    ("round_robin", "round robin, weighted by speed", "folklore", (SPEED,)),
    ("power_of_two", "power of two choices, weighted by speed", "Mitzenmacher 1996", (SPEED,)),
    ("least_outstanding", "least outstanding, weighted by speed", "join the shortest queue", (SPEED,)),
    ("least_kv", "least KV, weighted by speed", "Llumnix class", (SPEED,)),
    (
        "least_pending_tokens",
        "least pending tokens, weighted by speed",
        "queue-size balancing by tokens",
        (SPEED, Parameter(name="RUNNING_WEIGHT", low=0.1, high=1000.0, log=True)),
    ),
    (
        "least_work",
        "predicted least work, weighted by speed",
        "Intelligent Router class",
        (SPEED, Parameter(name="DECODE_WEIGHT", low=0.03, high=30.0, log=True)),
    ),
    ("kv_product", "KV-aware product score, weighted by speed", "LMetric class", (SPEED, KV)),
    ("earliest_finish", "earliest finish time", "HEFT class", (PREFILL, KV, SPEED)),
    ("headroom_fcfs", "head-room admission, first come first served", "Glia class", (HEADROOM, GROWTH, SPEED)),
    (
        "headroom_shortest_prompt",
        "head-room admission, shortest prompt first",
        "Glia's HRA",
        (HEADROOM, GROWTH, SPEED),
    ),
    (
        "headroom_size_by_output",
        "head-room admission, size by output, to least outstanding",
        "shortest predicted first",
        (HEADROOM, GROWTH, SPEED, PROMPT_OFFSET, OUTPUT_POWER),
    ),
    (
        "headroom_earliest_finish",
        "head-room admission, size by output, to earliest finish",
        "HRA and HEFT combined",
        (HEADROOM, GROWTH, PREFILL, SPEED, PROMPT_OFFSET, OUTPUT_POWER),
    ),
)
"""File, title, where the design is from, and the constants that tuning may change."""

SEED = "least_outstanding"


@lru_cache(maxsize=8)
def baselines(scenario: str) -> tuple[Baseline, ...]:
    """Return all baselines with the constants tuned for ``scenario``."""
    tuned = tuned_constants(scenario)
    return tuple(
        Baseline(
            name=name.replace("_", "-"),
            title=title,
            candidate=with_constants(_candidate(name), tuned.get(name, {}).get("values", {})),
            source=source,
            parameters=parameters,
            control=name == "uniform_random",
        )
        for name, title, source, parameters in SHELF
    )


def seed_candidate() -> Candidate:
    """Return the program a search starts from: plain least outstanding, untuned."""
    return _candidate(SEED)


@lru_cache(maxsize=1)
def _tuned_file() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("tuned.toml").read_text(encoding="utf-8"))


def tuned_constants(scenario: str) -> dict[str, Any]:
    """Return what ``speciate tune`` chose for ``scenario``, by file name; empty where nothing was tuned."""
    section = _tuned_file().get(scenario, {})
    return {name: entry for name, entry in section.items() if isinstance(entry, dict)}


def _candidate(name: str) -> Candidate:
    text = files(__package__).joinpath("baselines", f"{name}.py").read_text(encoding="utf-8")
    return Candidate(files=(SourceFile(path="candidate.py", text=text),), proposer="human", operator="seed")
