"""A problem of the kind program before the whole ladder: a folder, judged by path."""

import sys
from pathlib import Path

import pytest
from speciate.evaluators import (
    Candidate,
    JudgeTask,
    ProblemError,
    ProblemRef,
    Sandbox,
    Status,
    evaluator_of,
    judge,
    judge_inline,
    kinds,
    load_problem,
)

pytestmark = pytest.mark.usefixtures("nothing_left")
PROBLEM = """
from random import Random
from speciate import (
    Candidate, Descriptor, Incorrect, Limits, Measurement, Objective, Problem, ProgramInterface, Workload
)

class Sorting(Problem):
    name = "sorting"
    title = "Sort with few comparisons"
    objective = Objective(name="comparisons", unit="comparisons")
    descriptors = (Descriptor(name="comparisons", low=0, high=1000, bins=4),)
    interface = ProgramInterface(about="It reads numbers, and prints how often it compared and the sorted numbers.")
    limits = Limits(wall_s=8.0, cpu_s=0.5)

    def seed(self):
        return Candidate.from_source(SEED, path="main.py")

    def workloads(self, split):
        return [Workload(name=f"{split}/{n}", split=split, seed=n) for n in (1, 2)]

    def measure(self, program, workload):
        numbers = Random(workload.seed).sample(range(1000), 30)
        words = program.run(" ".join(map(str, numbers)).encode()).text.split()
        if [int(word) for word in words[1:]] != sorted(numbers):
            raise Incorrect("the numbers are not sorted")
        return Measurement(
            workload=workload.name, objective=float(words[0]), descriptors={"comparisons": float(words[0])}
        )

SEED = '''
numbers, count = list(map(int, input().split())), 0
for end in range(len(numbers) - 1, 0, -1):
    for i in range(end):
        count += 1
        if numbers[i] > numbers[i + 1]: numbers[i], numbers[i + 1] = numbers[i + 1], numbers[i]
print(count, *numbers)
'''

def problem(options):
    return Sorting()
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "problem.py").write_text(PROBLEM)
    return str(tmp_path)


def test_programs_and_commands_are_kinds_of_their_own() -> None:
    assert {"program", "command"} <= set(kinds())
    assert type(evaluator_of("program")) is not type(evaluator_of("command"))


def test_no_package_gives_another_meaning_to_a_kind_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["speciate.evaluators.kinds"]  # The package has a function of that name.
    monkeypatch.setattr(module, "installed", lambda group: ["kernel", "policy", "dance"])
    monkeypatch.setattr(module, "load_installed", lambda group, name: object())
    assert kinds() == ["policy", "plan", "program", "command", "kernel", "formula", "dance"]
    evaluator_of.cache_clear()
    for kind in ("kernel", "policy"):
        assert type(evaluator_of(kind)).__module__.startswith("speciate.evaluators.kinds.")
    monkeypatch.setattr(module, "load_installed", lambda group, name: None)
    with pytest.raises(ProblemError, match="unknown kind of problem 'waltz'; expected one of: policy"):
        evaluator_of("waltz")


def test_a_program_is_judged_by_what_it_prints(folder: str, bubblewrap: Sandbox) -> None:
    problem = load_problem(folder)
    assert problem.kind == "program"
    assert problem.probe() is None
    assert "`python3 main.py`" in problem.brief()
    word = judge(JudgeTask(problem=ProblemRef(name=folder), candidate=problem.seed(), sandbox=bubblewrap.name))
    assert word.status is Status.OK, word.detail
    assert word.score == 435.0
    assert (word.labels, word.decision_hash) == ((), None)
    assert word.cost.decisions == 2
    assert all(m.cost.cpu_s > 0.005 for m in word.measurements)
    assert judge_inline(problem, problem.seed()).score == word.score


@pytest.mark.parametrize(
    ("source", "status", "limit"),
    [
        ("print(1, input())", Status.INCORRECT, None),
        ("import sys; sys.exit(1)", Status.CRASHED, None),
        ("print(", Status.INVALID, None),
        ("while True: pass", Status.TIMEOUT, ("train/1", "cpu_s", 0.5)),
        ("import time; time.sleep(99)", Status.TIMEOUT, ("train/1", "wall_s", 8.0)),
    ],
)
def test_a_failing_program_has_a_status_and_no_score(
    source: str, status: Status, limit: tuple[str, str, float] | None, folder: str, bubblewrap: Sandbox
) -> None:
    candidate = Candidate.from_source(source, path="main.py")
    word = judge(JudgeTask(problem=ProblemRef(name=folder), candidate=candidate, sandbox=bubblewrap.name))
    assert (word.status, word.score) == (status, None), word.detail
    if limit is None:
        assert word.censored is None
    else:
        assert word.censored is not None
        assert (word.censored.workload, word.censored.limit, word.censored.after_s) == limit
        assert word.cost.cpu_s > 0
