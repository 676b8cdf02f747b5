"""The plan kind: arrays over the boundary, inline and in every sandbox, and what is no plan."""

import numpy as np
import pytest
from speciate.evaluators import (
    Array,
    Candidate,
    CandidateFault,
    JudgeTask,
    Limits,
    PlanInterface,
    PlanProbe,
    ProblemRef,
    Sandbox,
    evaluator_of,
    judge,
    judge_inline,
)
from speciate.evaluators._plan_boundary import InlinePlan, open_plan
from speciate.evaluators.check._plan_designs import PlanDesigns
from support import bins

PAIR = PlanInterface(
    inputs=(Array(name="demand", shape=("rows", "columns")), Array(name="slots", kind="integer")),
    outputs=(
        Array(name="share", shape=("rows",), low=0.0, high=1.0),
        Array(name="counts", shape=("slots", 2), kind="integer", low=0),
    ),
)
GOOD = """
import numpy as np
def plan(demand, slots):
    return demand.sum(axis=1) / demand.sum(), np.full((slots, 2), 3)
"""
DEMAND = np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0]])


def answered(source: str, sandbox: Sandbox, limits: Limits, interface: PlanInterface = PAIR) -> dict[str, np.ndarray]:
    plan = open_plan(Candidate.from_source(source), interface, limits, sandbox)
    try:
        return plan(demand=DEMAND, slots=4)
    finally:
        plan.close()


def test_arrays_go_in_and_come_out(sandbox: Sandbox, quick: Limits, nothing_left: None) -> None:
    found = answered(GOOD, sandbox, quick)
    assert found["share"].tolist() == [0.5, 0.5]
    assert found["counts"].tolist() == [[3, 3]] * 4
    inline = InlinePlan(GOOD, PAIR)(demand=DEMAND, slots=4)
    assert all((inline[name] == found[name]).all() for name in found)


COUNTED = PAIR.model_copy(update={"counts_lines": True})
LOOPS = """
import numpy as np
def twice(value):
    return 2 * value
def plan(demand, slots):
    for _ in range(100):
        twice(1)
    return np.full(2, 0.5), np.sort(np.ones((slots, 2)))
"""


def test_the_lines_that_a_plan_runs_are_counted_alike_everywhere(bubblewrap: Sandbox, quick: Limits) -> None:
    """A line of the loop, one of its body, one of the helper, 100 times; the loop's end, and the last line."""
    assert answered(LOOPS, bubblewrap, quick, COUNTED)["lines_run"] == 302
    assert InlinePlan(LOOPS, COUNTED)(demand=DEMAND, slots=4)["lines_run"] == 302
    assert InlinePlan(GOOD, COUNTED)(demand=DEMAND, slots=4)["lines_run"] == 1
    assert "lines_run" not in InlinePlan(GOOD, PAIR)(demand=DEMAND, slots=4)


def test_the_count_cannot_be_switched_off_unseen(bubblewrap: Sandbox, quick: Limits) -> None:
    source = "import sys\n" + LOOPS.replace("    for _", "    sys.settrace(None)\n    for _")
    with pytest.raises(CandidateFault, match=r"sys\.settrace") as caught:
        answered(source, bubblewrap, quick, COUNTED)
    assert caught.value.status == "protocol"


def test_an_attack_that_check_wraps_around_a_plan_is_not_counted_among_its_lines() -> None:
    problem = bins.Bins()
    problem.interface = problem.interface.model_copy(update={"counts_lines": True})
    honest = Candidate.from_source(bins.LONGEST_FIRST)
    attacks = {each.design.name: each.design for each in PlanDesigns().attacks(problem, honest, 0.0, ())}
    wrapped = attacks["changes what it is shown"].candidate
    found = [
        evaluator_of("plan").inline(problem, each)(lengths=np.arange(1.0, 6.0), machines=2)["lines_run"]
        for each in (honest, wrapped)
    ]
    assert found[0] == found[1] > 10


def test_large_arrays_cross_whole(bubblewrap: Sandbox, quick: Limits) -> None:
    shape = Array(name="values", shape=("n",))
    double = PlanInterface(inputs=(shape,), outputs=(Array(name="twice", shape=("n",)),))
    plan = open_plan(Candidate.from_source("def plan(values):\n    return values * 2\n"), double, quick, bubblewrap)
    try:
        values = np.random.default_rng(1).random(1_000_000)
        assert (plan(values=values)["twice"] == values * 2).all()
    finally:
        plan.close()


def test_every_call_meets_a_fresh_module(bubblewrap: Sandbox, quick: Limits) -> None:
    counting = """
import numpy as np
N = [0]
def plan(demand, slots):
    N[0] += 1
    return np.full(2, N[0] / 2), np.zeros((slots, 2))
"""
    plan = open_plan(Candidate.from_source(counting), PAIR, quick, bubblewrap)
    try:
        assert [plan(demand=DEMAND, slots=1)["share"][0] for _ in range(3)] == [0.5, 0.5, 0.5]
    finally:
        plan.close()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("return demand[:, 0] / 9, np.zeros((slots, 3))", "protocol", r"counts: expected shape \(4, 2\), got \(4, 3\)"),
        ("return demand[:, 0] / 9", "protocol", "expected a tuple of 2 arrays"),
        ("return demand[:, 0] * np.nan, np.zeros((slots, 2))", "protocol", "share: expected finite numbers"),
        ("return demand[:, 0] + 1, np.zeros((slots, 2))", "protocol", r"share: expected values in \[0, 1\]"),
        ("return demand[:, 0] / 9, np.full((slots, 2), 0.5)", "protocol", "counts: expected whole numbers"),
        ("return ['a', 'b'], np.zeros((slots, 2))", "protocol", "share: expected numbers"),
        ("return [[1], [1, 2]], np.zeros((slots, 2))", "protocol", "share: expected an array"),
        ("return demand.sum(axis=7), 0", "crashed", "candidate.py, line 3"),
        ("import os; os._exit(0)", "protocol", "exited with code 0"),
        ("while True: pass", "timeout", "one answer took"),
        ("return np.zeros(1 << 34), 0", "oom|crashed", "memory"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_reason(
    body: str, status: str, words: str, sandbox: Sandbox, quick: Limits, nothing_left: None
) -> None:
    limits = quick.model_copy(update={"decision_wall_s": 1.0, "memory_bytes": 512 << 20})
    source = f"import numpy as np\ndef plan(demand, slots):\n    {body}\n"
    with pytest.raises(CandidateFault, match=words) as caught:
        answered(source, sandbox, limits)
    assert str(caught.value.status) in status.split("|")


def test_a_module_that_does_not_load_is_a_fault_and_leaves_nothing(
    bubblewrap: Sandbox, quick: Limits, nothing_left: None
) -> None:
    for source, status in (("def plan(a):\n    pass\n", "invalid"), ("1/0\n", "crashed"), ("(", "invalid")):
        with pytest.raises(CandidateFault) as caught:
            answered(source, bubblewrap, quick)
        assert caught.value.status == status


def test_inputs_that_do_not_fit_are_the_problems_mistake() -> None:
    plan = InlinePlan(GOOD, PAIR)
    with pytest.raises(ValueError, match="expected the inputs demand, slots"):
        plan(demand=DEMAND)
    with pytest.raises(ValueError, match="2 dimensions"):
        plan(demand=DEMAND[0], slots=1)
    with pytest.raises(ValueError, match="no input gives workers"):
        PlanInterface(inputs=PAIR.inputs, outputs=(Array(name="x", shape=("workers",)),))


def test_a_plan_problem_is_judged_like_any_other(bubblewrap: Sandbox) -> None:
    ref = ProblemRef(name=bins.__file__)
    task = JudgeTask(problem=ref, candidate=Candidate.from_source(bins.LONGEST_FIRST), sandbox="bubblewrap")
    word, inline = judge(task), judge_inline(bins.Bins(), task.candidate)
    assert word.status == "ok", word.detail
    assert word.score == inline.score
    assert [m.objective for m in word.measurements] == [m.objective for m in inline.measurements]
    assert 1.0 <= word.score < judge_inline(bins.Bins(), bins.Bins().seed()).score
    assert word.decision_hash is not None
    assert word.cost.decisions == 1 + len(word.measurements)


def test_the_probe_is_recorded_from_the_seed() -> None:
    problem = bins.Bins()
    probe = problem.probe()
    assert isinstance(probe, PlanProbe)
    assert [call["machines"] for call in probe.calls] == [6]
    evaluator = evaluator_of("plan")
    hashes = [
        evaluator.behaviour(problem, evaluator.inline(problem, Candidate.from_source(text)))
        for text in (bins.LONGEST_FIRST, bins.LONGEST_FIRST.replace("free", "loads"), bins.ROUND_ROBIN)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_brief_tells_the_interface() -> None:
    brief = bins.Bins().brief()
    assert "`plan(lengths, machines)`" in brief
    assert "`place`, shape (jobs), whole numbers from 0 to machines-1" in brief
    assert "minimize makespan" in brief
