"""Hostile plans: what each of them ends as, in every sandbox, and that the judge and the next plan are untouched."""

from pathlib import Path

import numpy as np
import pytest
from speciate.evaluators import Candidate, CandidateFault, Limits, Sandbox
from speciate.evaluators._plan_boundary import open_plan
from support.shares import ATTACKS, INTERFACE, PLANS, attack

from .conftest import belongings

ANSWERED = {
    "answers_by_a_hook": [0.25] * 4,
    "changes_its_inputs": [0.0] * 4,
    "answers_views_of_its_inputs": [0.5, 1.0, 0.75, 0.25],
    "memorises_its_inputs": [0.25, 0.75, 1.0, 0.5],
    "uses_every_core": [0.5] * 4,
    "unpickles_itself": [0.5] * 4,
}
"""What the judge holds of those that end well: plain doubles, copied once."""
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
    assert {path.stem for path in PLANS.glob("*.py")} == set(ATTACKS)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_plan_costs_its_own_evaluation_and_nothing_else(name: str, sandbox: Sandbox, quick: Limits) -> None:
    impatient = {"decision_wall_s": 0.5} if ATTACKS[name] == "timeout" else {}
    limits = quick.model_copy(update={"memory_bytes": 512 << 20, **impatient})
    source = attack(name)
    peak, before = _peak_bytes(), belongings()

    status, detail, answer = outcome(source, limits, sandbox)

    assert status in ATTACKS[name].split("|"), detail
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
    source = attack("memorises_its_inputs")
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
