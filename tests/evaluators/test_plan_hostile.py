"""Hostile plans: what each of them ends as, in every sandbox, and that the judge and the next plan are untouched."""

from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import Array, Candidate, CandidateFault, Limits, PlanInterface, Sandbox
from speciate.evaluators._plan_boundary import open_plan
from support.corpus import CORPUS

from .conftest import belongings

PLANS = CORPUS / "plans"
OUTCOMES = {
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
ANSWERED = {
    "answers_by_a_hook": [0.25] * 4,
    "changes_its_inputs": [0.0] * 4,
    "answers_views_of_its_inputs": [0.5, 1.0, 0.75, 0.25],
    "memorises_its_inputs": [0.25, 0.75, 1.0, 0.5],
    "uses_every_core": [0.5] * 4,
    "unpickles_itself": [0.5] * 4,
}
"""What the judge holds of those that end well: plain doubles, copied once."""
INTERFACE = PlanInterface(
    inputs=(Array(name="demand", shape=("n",)), Array(name="slots", kind="integer")),
    outputs=(
        Array(name="share", shape=("n",), low=0.0, high=1.0),
        Array(name="place", shape=("n",), kind="integer", low=0, high="slots-1"),
    ),
)
HONEST = """import numpy as np
def plan(demand, slots):
    return demand / demand.sum(), np.arange(len(demand)) % slots
"""
DEMAND = (1.0, 3.0, 4.0, 2.0)


def outcome(source: str, limits: Limits, sandbox: Sandbox) -> tuple[str, str, list[list[float]]]:
    """Ask a plan once, and return status, detail and its answer."""
    demand = np.array(DEMAND)
    try:
        plan = open_plan(Candidate.from_source(source), INTERFACE, limits, sandbox)
        try:
            found = plan(demand=demand, slots=3)
        finally:
            plan.close()
    except CandidateFault as fault:
        return str(fault.status), fault.detail, []
    assert demand.tolist() == list(DEMAND)
    assert {type(values) for values in found.values()} == {np.ndarray}
    assert [values.dtype.str for values in found.values()] == ["<f8", "<i8"]
    return "ok", "", [values.tolist() for values in found.values()]


def test_every_plan_has_its_outcome() -> None:
    assert {path.stem for path in PLANS.glob("*.py")} == set(OUTCOMES)


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_hostile_plan_costs_its_own_evaluation_and_nothing_else(name: str, sandbox: Sandbox, quick: Limits) -> None:
    impatient = {"decision_wall_s": 0.5} if OUTCOMES[name] == "timeout" else {}
    limits = quick.model_copy(update={"memory_bytes": 512 << 20, **impatient})
    source = (PLANS / f"{name}.py").read_text("utf-8")
    peak, before = _peak_bytes(), belongings()

    status, detail, answer = outcome(source, limits, sandbox)

    assert status in OUTCOMES[name].split("|"), detail
    if name in ANSWERED:
        assert answer[0] == ANSWERED[name]
    assert belongings() == before
    assert _peak_bytes() - peak < 64 << 20, "the judge's memory grew with what the candidate sent"
    assert outcome(HONEST, limits, sandbox) == ("ok", "", [[0.1, 0.3, 0.4, 0.2], [0, 1, 2, 0]])


def _peak_bytes() -> int:
    """Return the most that this process ever had in memory."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def test_what_it_keeps_of_one_call_changes_no_other_call(bubblewrap: Sandbox, quick: Limits) -> None:
    """A plan that answers from memory is asked on what is asked: its old answer is measured as the new one."""
    source = (PLANS / "memorises_its_inputs.py").read_text("utf-8")
    plan = open_plan(Candidate.from_source(source), INTERFACE, quick, bubblewrap)
    try:
        first = plan(demand=np.array(DEMAND), slots=3)
        again = plan(demand=np.array(DEMAND) * 2, slots=3)
        assert first["share"].tolist() == again["share"].tolist()
        assert (first["place"].tolist(), again["place"].tolist()) == ([0] * 4, [1] * 4)
        with pytest.raises(CandidateFault, match="expected shape"):
            plan(demand=np.ones(5), slots=3)
    finally:
        plan.close()
