"""The published routers, each in its strongest form: one file in ``baselines/``, its constants in ``tuned_*.toml``."""

import tomllib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from speciate.evaluators import Baseline, Candidate, Parameter, ProblemError, SourceFile, with_constants

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
def baselines(scenario: str, tuned: Path | None = None) -> tuple[Baseline, ...]:
    """Return all baselines with the constants tuned for ``scenario``, or those of the user's file ``tuned``.

    Raises ProblemError for a file that is not what ``speciate tune --out`` writes.
    """
    chosen = _tuned_constants(scenario, tuned)
    return tuple(
        Baseline(
            name=name.replace("_", "-"),
            title=title,
            candidate=with_constants(_candidate(name), chosen[name].values if name in chosen else {}),
            source=source,
            parameters=parameters,
            tuned_evaluations=chosen[name].evaluations if name in chosen and parameters else None,
            control=name == "uniform_random",
        )
        for name, title, source, parameters in SHELF
    )


def seed_candidate() -> Candidate:
    """Return the program a search starts from: plain least outstanding, untuned."""
    return _candidate(SEED)


class _Choice(NamedTuple):
    """What tuning chose for one baseline."""

    values: dict[str, float]
    evaluations: int | None


def _tuned_constants(scenario: str, tuned: Path | None) -> dict[str, _Choice]:
    """Return what tuning chose, by file name."""
    shipped = files(__package__).joinpath(f"tuned_{scenario}.toml")
    try:
        text = tuned.read_text(encoding="utf-8") if tuned else shipped.read_text(encoding="utf-8")
        entries = tomllib.loads(text).get("tuned", {})
        known = {name: {p.name for p in parameters} for name, _, _, parameters in SHELF}
        chosen = {
            name: _Choice(
                {k: float(v) for k, v in entry["values"].items()},
                int(entry["evaluations"]) if "evaluations" in entry else None,
            )
            for name, entry in entries.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProblemError(f"tuned constants {tuned}: expected what `speciate tune --out` writes: {error}") from error
    strange = [name for name, choice in chosen.items() if not set(choice.values) <= known.get(name, set())]
    if strange:
        raise ProblemError(f"tuned constants {tuned}: no baseline has the constants given for {', '.join(strange)}")
    return chosen


def _candidate(name: str) -> Candidate:
    text = files(__package__).joinpath("baselines", f"{name}.py").read_text(encoding="utf-8")
    return Candidate(files=(SourceFile(path="candidate.py", text=text),), proposer="human", operator="seed")
