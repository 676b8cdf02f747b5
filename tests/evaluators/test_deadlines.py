"""Deadlines: each limit by itself, each workload by itself, and what is recorded of a measurement cut off."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Censored,
    JudgeTask,
    Limits,
    Policy,
    PolicyInterface,
    ProblemRef,
    Sandbox,
    Status,
    judge,
    open_policy,
)

from .conftest import ROWS

OBSERVATION = (0.0, 1.0, 1.0, 4.0, 2.0, 2.0, 4.0, 8.0)
SPIN = """
import time

def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
ASLEEP = "import time\ndef choose(view):\n    time.sleep({})\n    return 0\n"
SPINNING = SPIN + "def choose(view):\n    spin({})\n    return 0\n"
BREACHES = {
    "wall_s": (0.4, ASLEEP.format(0.05), "wall seconds"),
    "cpu_s": (0.3, SPINNING.format(0.05), "CPU seconds on one workload"),
    "decision_wall_s": (0.3, ASLEEP.format(1000), "one answer took longer"),
    "decision_cpu_s": (0.3, "def choose(view):\n    while True:\n        pass\n", "CPU seconds"),
    "start_wall_s": (0.3, "while True:\n    pass\ndef choose(view):\n    return 0\n", "did not load"),
}
"""For each limit: what is allowed, a candidate that passes this limit and no other, and words of the fault."""


def play(choose: Callable[[Sequence[float]], float], decisions: int) -> None:
    for _ in range(decisions):
        choose(OBSERVATION)


def load_and_play(policy: Policy) -> None:
    policy.begin(ROWS)
    play(policy.hook("choose"), 1000)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", BREACHES)
def test_a_fault_says_which_limit_was_passed_and_what_it_allowed(
    name: str, one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    allowed, source, words = BREACHES[name]
    limits = quick.model_copy(update={"decision_cpu_s": 5.0, name: allowed})
    with (
        open_policy(Candidate.from_source(source), one_hook, limits, sandbox) as policy,
        pytest.raises(CandidateFault, match=words) as caught,
    ):
        load_and_play(policy)
    assert caught.value.status is Status.TIMEOUT
    assert (caught.value.limit, caught.value.after_s) == (name, allowed)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(("limit", "source"), [("wall_s", ASLEEP.format(0.1)), ("cpu_s", SPINNING.format(0.1))])
def test_no_workload_is_charged_with_another_nor_lends_to_it(
    limit: str, source: str, one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    limits = quick.model_copy(update={limit: 1.5}).for_workloads(20)
    with open_policy(Candidate.from_source(source), one_hook, limits, sandbox) as policy:
        for _ in range(6):
            policy.begin(ROWS)
            play(policy.hook("choose"), 3)
        assert policy.cost.wall_s > 1.5
        policy.begin(ROWS)
        with pytest.raises(CandidateFault, match="one workload") as caught:
            play(policy.hook("choose"), 1000)
        assert caught.value.limit == limit


def test_a_fault_of_another_kind_names_no_limit(one_hook: PolicyInterface, quick: Limits, bubblewrap: Sandbox) -> None:
    source = Candidate.from_source("def choose(view):\n    return 99\n")
    with open_policy(source, one_hook, quick, bubblewrap) as policy:
        policy.begin(ROWS)
        with pytest.raises(CandidateFault) as caught:
            policy.hook("choose")(OBSERVATION)
    assert (caught.value.limit, caught.value.after_s) == ("", 0.0)


STALLS_LATE = """
import sys
begun = sys.__dict__.setdefault("begun", [])
begun.append(1)

def choose(view):
    while len(begun) == {}:
        pass
    return 0
"""
"""Spins in the n-th module run: the first is the probe's, the second the first workload's."""


PATIENT = """
from speciate.evaluators import Limits
from support.counters import Counters

class Patient(Counters):
    limits = Limits(cpu_s=0.3, wall_s=60.0, decision_wall_s=60.0, start_wall_s=60.0, memory_bytes=128 << 20)

def problem(options):
    return Patient()
"""
"""Whatever else runs on this machine, CPU seconds are the limit that a candidate passes first."""


@pytest.mark.parametrize(("run", "workload", "measured"), [(1, "", 0), (2, "train/1", 0), (3, "train/2", 1)])
def test_a_timeout_is_censored_where_it_happened(
    run: int, workload: str, measured: int, kind: str, tmp_path: Path
) -> None:
    (tmp_path / "patient.py").write_text(PATIENT, encoding="utf-8")
    problem = ProblemRef(name=str(tmp_path / "patient.py"))
    task = JudgeTask(problem=problem, candidate=Candidate.from_source(STALLS_LATE.format(run)), sandbox=kind)
    word = judge(task)
    assert word.status is Status.TIMEOUT
    assert word.score is None
    assert word.censored == Censored(workload=workload, limit="cpu_s", after_s=0.3)
    assert len(word.measurements) == measured
