"""A tiny plan problem that the hostile plans attack: shares of a demand, and the slots they are placed in.

For ``speciate run PATH``. Two workloads a split, limits short enough to wait for attacks.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from speciate.evaluators import (
    Array,
    Candidate,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Plan,
    PlanInterface,
    Problem,
    Split,
    Workload,
)

PLANS = Path(__file__).parent.parent / "hostile" / "plans"
ATTACKS = {
    "answers_a_wrong_shape": "protocol",
    "answers_nan_in_a_corner": "protocol",
    "answers_infinity": "protocol",
    "answers_beyond_the_limits": "protocol",
    "answers_an_unsigned_giant": "protocol",
    "answers_a_giant_as_double": "protocol",
    "answers_halves_for_whole_numbers": "protocol",
    "lies_about_its_memory": "crashed",
    "lies_about_its_dtype": "protocol",
    "answers_objects": "protocol",
    "answers_by_a_hook": "ok",
    "changes_its_inputs": "ok",
    "answers_views_of_its_inputs": "ok",
    "answers_far_too_much": "protocol",
    "floods_the_answer": "protocol",
    "forges_a_giant_answer": "protocol",
    "answers_in_part": "timeout",
    "answers_later": "crashed",
    "answers_lazily": "protocol",
    "memorises_its_inputs": "ok",
    "patches_numpy": "protocol",
    "loops_in_native_code": "timeout",
    "allocates_in_native_code": "oom",
    "uses_every_core": "ok",
    "reads_behind_its_inputs": "ok|crashed",
    "unpickles_itself": "ok",
}
"""The hostile plans and what each of them ends as; ``ok`` where the judge holds plain numbers all the same."""

SHARES, SLOTS = 4, 3
INTERFACE = PlanInterface(
    inputs=(Array(name="demand", shape=("n",)), Array(name="slots", kind="integer")),
    outputs=(
        Array(name="share", shape=("n",), low=0.0, high=1.0),
        Array(name="place", shape=("n",), kind="integer", low=0, high="slots-1"),
    ),
)
DESIGN = """import numpy as np


def plan(demand, slots):
    return demand / (demand.sum() + {slack}), np.argsort(np.argsort(demand)) % slots
"""


def design(slack: float) -> str:
    """Return the source of an honest plan that leaves ``slack`` of the demand unshared."""
    return DESIGN.format(slack=slack)


def attack(name: str) -> str:
    """Return the source of one of ``ATTACKS``."""
    return (PLANS / f"{name}.py").read_text("utf-8")


def problem(options: Mapping[str, str]) -> "Shares":
    """Return the problem; it has no options."""
    assert not options
    return Shares()


class Shares(Problem[Plan]):
    """Largest sum of shares in one slot, and what was not shared."""

    name = "shares"
    title = "Shares of a demand in slots"
    version = "1"
    objective = Objective(name="largest load", unit="share")
    descriptors = (Descriptor(name="spread", low=0.0, high=1.0, bins=4, unit="share"),)
    interface = INTERFACE
    limits = Limits(
        wall_s=10.0,
        cpu_s=2.0,
        decision_wall_s=2.0,
        decision_cpu_s=1.0,
        start_wall_s=10.0,
        memory_bytes=512 << 20,
        output_bytes=256 << 10,
    )

    def seed(self) -> Candidate:
        return Candidate.from_source(design(0.0))

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 1, "validation": 101, "heldout": 1001}[split]
        return tuple(Workload(name=f"{split}/{seed}", split=split, seed=seed) for seed in (first, first + 1))

    def measure(self, plan: Plan, workload: Workload) -> Measurement:
        demand = np.random.default_rng(workload.seed).uniform(1.0, 2.0, SHARES)
        found = plan(demand=demand, slots=SLOTS)
        loads = np.bincount(found["place"], weights=found["share"], minlength=SLOTS)
        unshared = max(0.0, 1.0 - float(found["share"].sum()))
        return Measurement(
            workload=workload.name,
            objective=float(loads.max()) + unshared,
            metrics={"unshared": unshared},
            descriptors={"spread": float(loads.max() - loads.min())},
        )
