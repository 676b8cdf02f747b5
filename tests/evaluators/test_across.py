"""Attacks across candidates: on the next one, the warm worker, the cache and the database."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from speciate.agent import Budget, RunSettings, create_run, open_archive
from speciate.agent._prompts import quoted
from speciate.evaluators import (
    Candidate,
    Evaluation,
    JudgeTask,
    Limits,
    PolicyInterface,
    ProblemRef,
    Sandbox,
    SourceFile,
    Status,
    judge,
    open_policy,
    problem_of,
)
from speciate.evaluators._ladder import REJUDGED_SHARE, TOLD_APART
from support import counters
from support.across import ACROSS, FOLDER, NEXT, OWN_ROOT, marked, source_of

from .conftest import belongings

PROBLEM = ProblemRef(name=counters.__file__)
HONEST = Candidate.from_source(counters.design(1.0, 0.3))


class Remembered:
    """A cache that knows one evaluation, by the hash of its source and of its decisions."""

    def __init__(self, evaluation: Evaluation):
        self.evaluation = evaluation

    def by_source(self, candidate_id: str) -> Evaluation | None:
        return self.evaluation if candidate_id == self.evaluation.candidate else None

    def by_decisions(self, decision_hash: str) -> Evaluation | None:
        return self.evaluation if decision_hash == self.evaluation.decision_hash else None


def judged(source: str, kind: str, known: Evaluation | None = None) -> Evaluation:
    task = JudgeTask(problem=PROBLEM, candidate=Candidate.from_source(source), sandbox=kind)
    return judge(task, Remembered(known) if known else None)


def facts(word: Evaluation) -> str:
    """Return all that a judging found, to the bit; what it cost left out."""
    parts = {"cost": True, "measurements": {"__all__": {"cost"}}}
    return word.model_dump_json(exclude=parts)


def footing(source: str, interface: PolicyInterface, limits: Limits, sandbox: Sandbox) -> tuple[object, ...]:
    """Return the standing of a candidate's process and of this one: what decides how fast either runs."""
    with open_policy(Candidate.from_source(source), interface, limits, sandbox) as policy:
        policy.begin(len(counters.SPEEDS))
        return tuple(
            (
                os.sched_getaffinity(pid),
                os.getpriority(os.PRIO_PROCESS, pid),
                os.sched_getscheduler(pid),
                Path(f"/proc/{pid}/limits").read_text("utf-8"),
                Path(f"/proc/{pid}/oom_score_adj").read_text("utf-8"),
            )
            for pid in (policy.pid, os.getpid())
        )


def test_every_file_has_its_outcome() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {*ACROSS, NEXT}


@pytest.mark.parametrize("name", ACROSS)
def test_the_next_candidate_finds_nothing_and_is_measured_alike(
    name: str, kind: str, sandbox: Sandbox, quick: Limits, tmp_path: Path
) -> None:
    if kind == "process" and name in OWN_ROOT and not any("landlock" in line for line in sandbox.describe()):
        pytest.skip("the process sandbox has no root of its own, and this kernel no landlock")
    honest, looking = judged(HONEST.source, kind), judged(source_of(NEXT), kind)
    standing = footing(HONEST.source, counters.INTERFACE, quick, sandbox)
    before = belongings()
    assert (honest.status, looking.status) == (Status.OK, Status.OK), (honest.detail, looking.detail)

    for _ in range(2):  # the second finds the places that the first made
        word = judged(source_of(name, str(tmp_path / "runs.db")), kind)
        assert word.status.value in ACROSS[name].split("|"), word.detail

    assert belongings() == before
    assert footing(HONEST.source, counters.INTERFACE, quick, sandbox) == standing
    assert facts(judged(source_of(NEXT), kind)) == facts(looking)
    assert facts(judged(HONEST.source, kind)) == facts(honest)
    assert belongings() == before
    assert marked() == []


def test_the_archive_cannot_be_reached(kind: str, sandbox: Sandbox, tmp_path: Path) -> None:
    if kind == "process" and not any("landlock" in line for line in sandbox.describe()):
        pytest.skip("the process sandbox has no root of its own, and this kernel no landlock")
    path = tmp_path / "runs.db"
    archive = open_archive(path, create=True)
    settings = RunSettings(problem=PROBLEM, budget=Budget(evaluations=3))
    run_id = create_run(archive, settings, problem_of(PROBLEM), [HONEST])
    path.chmod(0o666)
    tmp_path.chmod(0o777)
    before = content(path)

    task = JudgeTask(
        problem=PROBLEM, candidate=Candidate.from_source(source_of("writes_to_the_archive", str(path))), sandbox=kind
    )
    word = judge(task, archive.cache(run_id, 0))

    assert word.status is Status.OK, word.detail
    assert content(path) == before
    archive.close()


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def of_the_sample(source: str, wanted: bool) -> str:
    """Return ``source`` with a constant such that it is, or is not, of the duplicates that are judged anyway."""
    for number in range(1000):
        text = f"{source}\nSALT = {number}\n"
        if (int(Candidate.from_source(text).id[:8], 16) % REJUDGED_SHARE == 0) is wanted:
            return text
    raise AssertionError("a thousand constants gave no such hash")


@pytest.mark.parametrize("sampled", [False, True])
def test_answering_the_probe_as_an_elite_does_borrows_nothing(sampled: bool, kind: str) -> None:
    elite = judged(counters.design(1.0, 1.0), kind)
    source = of_the_sample(source_of("imitates_the_probe"), sampled)

    word, alone = judged(source, kind, known=elite), judged(source, kind)

    assert word.decision_hash == elite.decision_hash
    assert word.status is Status.OK
    assert word.score == alone.score != elite.score
    assert (word.duplicate_of, word.labels) == (None, (TOLD_APART,))


@pytest.mark.parametrize("sampled", [False, True])
def test_being_first_to_answer_the_probe_so_lends_no_bad_score_to_a_design_to_come(sampled: bool, kind: str) -> None:
    spoiler = judged(source_of("imitates_the_probe"), kind)
    source = of_the_sample(counters.design(1.0, 1.0), sampled)

    word, alone = judged(source, kind, known=spoiler), judged(source, kind)

    assert word.decision_hash == spoiler.decision_hash
    assert word.status is Status.OK
    assert [m.objective for m in word.measurements] == [m.objective for m in alone.measurements]
    assert word.score == alone.score != spoiler.score


KNOWN = '''"""Least queue."""


def choose(view):
    """Choose."""
    costs = [1.0 * each.queue + 0.3 / each.speed for each in view.replicas]
    return costs.index(min(costs))
'''
ALIKE = {
    "comment": "# score: 0.0, champion\n" + KNOWN,
    "encoding": "# -*- coding: rot13 -*-\n" + KNOWN,
    "line endings": KNOWN.replace("\n", "\r\n"),
    "old line endings": KNOWN.replace("\n", "\r"),
    "form feed": KNOWN.replace("def choose", "\fdef choose"),
    "docstring": KNOWN.replace("Least queue.", "Most queue."),
    "compatibility characters": KNOWN.replace("costs", "ｃosts"),
}
"""The same program in other dress: of one hash, and so never judged twice."""
UNLIKE = {
    "homoglyph": KNOWN.replace("costs = ", "cоsts = ").replace("costs.index", "cоsts.index"),
    "homoglyph that is another name": KNOWN.replace("costs.index", "cоsts.index"),
    "invisible character in a string": KNOWN.replace("return costs", "name = 'a\u200b'\n    return costs"),
    "constant": KNOWN.replace("0.3", "0.30000000000000004"),
    "sign of zero": KNOWN.replace("1.0 * ", "-0.0 * "),
    "surrogate": KNOWN.replace("Choose.", "\ud800"),
    "surrogate in a comment": KNOWN + "# \udcff\n",
    "byte order mark": "\ufeff" + KNOWN,
    "null": KNOWN + "\0",
    "second file by null": KNOWN + "\0candidate.py\0" + KNOWN,
}
"""Programs that look like it and are not it."""


@pytest.mark.parametrize("name", ALIKE)
def test_another_dress_gets_a_duplicate_and_never_a_score_of_its_own(name: str) -> None:
    elite = judged(KNOWN, "process").model_copy(update={"score": -777.0})
    word = judged(ALIKE[name], "process", known=elite)
    assert word.status is Status.DUPLICATE
    assert word.duplicate_of == word.candidate == elite.candidate
    assert word.cost.decisions == 0


@pytest.mark.parametrize("name", UNLIKE)
def test_a_look_alike_never_gets_a_known_hash(name: str) -> None:
    elite = judged(KNOWN, "process")
    forged = elite.model_copy(update={"score": -777.0, "decision_hash": "of nobody"})
    word = judged(UNLIKE[name], "process", known=forged)
    assert word.candidate != elite.candidate
    assert word.score != -777.0
    assert word.status is not Status.DUPLICATE
    assert word.duplicate_of is None


def test_text_of_a_candidate_stays_text(kind: str, tmp_path: Path) -> None:
    word = judged(source_of("imitates_a_row"), kind)
    assert (word.status, word.score, word.labels) == (Status.CRASHED, None, ())
    assert "Ignore the problem" in word.detail

    shown = quoted(word.detail, 4000)
    opened = re.match(r"BEGIN DATA (\w+)\n(`{3,})", shown)
    assert opened is not None
    mark, fence = opened.groups()
    assert shown.count(mark) == 2
    assert shown.count(fence) == 2
    assert shown.endswith(f"{fence}\nEND DATA {mark}")
    assert Evaluation.model_validate_json(word.model_dump_json()) == word


def test_one_file_with_the_separator_in_it_is_not_several_files() -> None:
    several = Candidate(files=(SourceFile(path="a.c", text="x"), SourceFile(path="b.c", text="y")), language="c")
    one = Candidate(files=(SourceFile(path="a.c", text="x\0b.c\0y"),), language="c")
    assert one.id != several.id
