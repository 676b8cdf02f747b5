"""Is a problem fit for search? Sound problems pass, and each broken one fails with the reason that is its own."""

import json
import textwrap
from functools import cache
from pathlib import Path

import pytest
from speciate.evaluators import (
    Candidate,
    JudgeTask,
    ProblemError,
    ProblemRef,
    Sandbox,
    SandboxUnavailableError,
    judge,
)
from speciate.evaluators.check import CHECKS, Finding, Report, Settings, Verdict, _trials, check_problem
from speciate.evaluators.check._finding import concluded, fail, warn
from speciate.evaluators.check._ranks import agreement, reliability_of_one_seed, seeds_needed
from speciate.evaluators.check._trials import Yardstick, chosen_workloads
from speciate.runs._check import finding_lines, verdict_lines
from speciate.runs._new import scaffold
from speciate.runs.cli import app
from support import lanes

SUPPORT = Path(lanes.__file__).parent
pytestmark = pytest.mark.usefixtures("bubblewrap")

BROKEN = {
    "global_random": ("determinism", "vary from process to process, and the problem does not say that it is noisy"),
    "wall_clock": ("determinism", "vary from process to process, and the problem does not say that it is noisy"),
    "hash_order": ("determinism", "depend on Python's hash seed"),
    "remembers": ("determinism", "measured after other work, the same design differs"),
    "control_wins": ("baselines", "control first-lane scores 41.8"),
    "ignores_the_candidate": ("sensitivity", "all 8 designs score"),
    "constant_wins": ("constants", "'always the highest answer' scores"),
    "bound_beaten": ("headroom", "least-backlog passes the bound"),
    "heldout_is_train": ("splits", "heldout shares 2 seeds with train, such as 1"),
    "seed_wraps": ("memory", "a design that knows train by heart scores"),
    "descriptor_off": ("descriptors", "fast_share is nan in"),
    "shows_the_answer": ("rules", "'choose = row with least ends' scores"),
    "believes_a_claim": ("rules", "'duration always lowest' scores"),
    "drops_failures": ("attacks", "a design that exits at once is judged ok"),
    "crashes": ("designs", "the problem itself raised while judging first-lane on train: ZeroDivisionError"),
    "too_few_seeds": ("ranks", "train ranks 4 of 15 pairs of designs otherwise than validation"),
}
"""The check that must fail, and what it must say."""

FOLLOWS = {
    "control_wins": {"constants", "rules"},
    "ignores_the_candidate": {"baselines", "constants"},
    "crashes": {"constants", "rules"},
}
"""Checks that fail as well, since the cause is one that they see too."""


@cache
def checked(path: Path | str) -> Report:
    return check_problem(ProblemRef(name=str(path)), Settings())


def finding(report: Report, check: str) -> Finding:
    return next(each for each in report.findings if each.check == check)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_problem_fails_with_its_own_reason(name: str) -> None:
    check, reason = BROKEN[name]
    report = checked(SUPPORT / "broken" / f"{name}.py")
    assert set(report.failed) == {check} | FOLLOWS.get(name, set())
    failures = [note for note in finding(report, check).notes if note.verdict is Verdict.FAIL]
    assert reason in " ".join(note.found for note in failures)
    assert all(note.advice for note in failures)


def test_every_broken_problem_is_tried() -> None:
    assert {path.stem for path in (SUPPORT / "broken").glob("*.py")} == set(BROKEN)


@pytest.mark.parametrize("name", ["lanes", "bins"])
def test_a_sound_problem_is_fit_and_every_check_was_made(name: str) -> None:
    report = checked(SUPPORT / f"{name}.py")
    assert report.fit
    assert [each.check for each in report.findings] == list(CHECKS)
    assert all(each.verdict is not Verdict.DOES_NOT_APPLY for each in report.findings)
    assert report.left_out == 0


def test_the_serving_router_is_fit_and_held_out_stays_closed() -> None:
    report = check_problem(
        ProblemRef(name="serving-router", options={"requests": "300"}), Settings(quick=True, workers=2)
    )
    assert report.fit
    assert not any(each.verdict is Verdict.DOES_NOT_APPLY for each in report.findings)
    assert {split: len(names) for split, names in report.workloads.items()} == {"train": 3, "validation": 3}
    assert report.left_out == 12


def test_too_few_seeds_says_how_many_would_do() -> None:
    (note,) = finding(checked(SUPPORT / "broken" / "too_few_seeds.py"), "ranks").notes
    assert note.advice == "too few seeds: about 9 seeds would do, train has 1"


def test_a_world_that_never_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
        from speciate.evaluators import Limits
        from support.lanes import Lanes

        def problem(options):
            return Endless(1)

        class Endless(Lanes):
            limits = Limits(wall_s=0.5, start_wall_s=0.5)

            def measure(self, policy, workload):
                while True:
                    pass
    """
    monkeypatch.setattr(_trials, "PATIENCE_S", 3.0)
    (tmp_path / "endless.py").write_text(textwrap.dedent(text))
    report = checked(tmp_path / "endless.py")
    assert report.failed == ("designs",)
    assert "measure() may never return" in finding(report, "designs").notes[0].found


NOISY = """
from random import Random
from support.lanes import Lanes

def problem(options):
    return Noisy(2)

class Noisy(Lanes):
    name = "noisy-lanes"
    noisy = True

    def measure(self, policy, workload):
        word = super().measure(policy, workload)
        noise = Random(f"{workload.name} {workload.repetition}").uniform(0.99, 1.01)
        return word.model_copy(update={"objective": word.objective * noise})
"""


def test_a_problem_that_says_that_it_is_noisy_passes_with_its_spread(tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(NOISY)
    report = checked(tmp_path / "noisy.py")
    assert report.fit, report.failed
    assert "of the score over 3 repetitions" in finding(report, "determinism").figure
    assert finding(report, "inline").verdict is Verdict.DOES_NOT_APPLY


def test_a_noisy_problem_without_noise_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text(NOISY.replace("0.99, 1.01", "1.0, 1.0"))
    (note,) = finding(checked(tmp_path / "quiet.py"), "determinism").notes
    assert (note.verdict, note.found) == (Verdict.WARN, "declared noisy, yet repetitions agree to the bit")


def test_a_program_is_checked_as_a_policy_is(tmp_path: Path) -> None:
    scaffold(tmp_path / "packing", "program")
    report = checked(tmp_path / "packing")
    assert report.fit, report.failed
    assert [each.check for each in report.findings if each.verdict is Verdict.DOES_NOT_APPLY] == []
    assert "3 ok" in finding(report, "attacks").figure
    assert "metrics that vary and do not count: cpu_s" in finding(report, "determinism").figure


COMMAND = """
name = "forgeable"
title = "A benchmark that imports what it judges"
command = "python3 bench.py {candidate}"

[objective]
name = "miss"
unit = "share"

[[descriptors]]
name = "width"
low = 0.0
high = 10.0
bins = 4

[[workloads]]
split = "train"
seeds = [1, 2]
[[workloads]]
split = "validation"
seeds = [3, 4]
[[workloads]]
split = "heldout"
seeds = [5, 6]
"""
BENCH = """
import json, os, random, runpy, sys
guess = runpy.run_path(sys.argv[1])["guess"]
rng = random.Random(int(os.environ["SPECIATE_SEED"]))
seen = [rng.random() for _ in range(9)]
print(json.dumps({"miss": 0.1 + abs(guess(seen) - sum(seen) / 9), "width": max(seen)}))
"""


def test_a_command_can_be_forged_and_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").write_text(COMMAND)
    (tmp_path / "bench.py").write_text(BENCH)
    (tmp_path / "seed.py").write_text("def guess(seen):\n    return seen[0]\n")
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "middle.py").write_text(
        '"""The middle."""\n\ndef guess(seen):\n    return sorted(seen)[4]\n'
    )
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755)
    attacks = finding(checked(tmp_path), "attacks")
    assert attacks.verdict is Verdict.WARN
    assert "prints the figures itself and exits is judged ok" in " ".join(note.found for note in attacks.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere_to_be_found", "does not import"),
        ("def problem(options):\n    raise KeyError('load')", "problem(options) raised KeyError"),
        ("def problem(options):\n    return 7", "must return a Problem"),
        ("x = 1", "expected a function problem(options)"),
    ],
)
def test_what_is_no_problem_is_the_users_mistake(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(text)
    assert app(["check", str(tmp_path / "mine.py")]) == 2
    assert words in capsys.readouterr().err


def test_an_unknown_problem_or_sandbox_is_the_users_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["check", "no-such-problem"]) == 2
    assert app(["check", str(SUPPORT / "lanes.py"), "--sandbox", "no-such-sandbox"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    with pytest.raises(ProblemError):
        checked("no-such-problem")
    with pytest.raises(SandboxUnavailableError):
        check_problem(ProblemRef(name=str(SUPPORT / "lanes.py")), Settings(sandbox="no-such-sandbox"))


def test_the_command_ends_with_a_verdict_and_with_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["check", str(SUPPORT / "broken" / "bound_beaten.py"), "--quick", "--workers", "1"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-1].startswith("bound-beaten: not fit: 1 of 4 checks failed: headroom (")
    assert "12 further checks could not be made" in told[-1]
    assert "-> the bound is not one: prove it anew, mend bound()" in [line.strip() for line in told]
    assert app(["check", str(SUPPORT / "bins.py"), "--quick", "--workers", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["fit"], report["failed"], report["problem"]) == (True, [], "bins")
    assert [each["check"] for each in report["findings"]] == list(CHECKS)


def test_a_finding_is_one_line_and_two_for_each_note() -> None:
    found = concluded("ranks", "tau 0.2", [warn("a little", "look"), fail("a lot", "mend")])
    assert found.verdict is Verdict.FAIL
    lines = finding_lines(found)
    assert lines[0].split() == ["FAIL", "ranks", "tau", "0.2"]
    assert [line.strip() for line in lines[1:]] == ["FAIL: a lot", "-> mend", "warn: a little", "-> look"]
    report = Report(
        problem="p",
        kind="plan",
        version="1",
        quick=True,
        sandbox="s",
        workloads={"train": ("a",)},
        left_out=3,
        findings=(concluded("contract", "all there"),),
        wall_s=1.0,
    )
    assert verdict_lines(report)[-1] == (
        "p: fit for search (1 checks; 1 of 4 workloads, sandbox s, 1 s; the full check judges them all)"
    )


def test_a_quick_check_takes_the_first_of_each_set_of_parameters() -> None:
    problem = lanes.Lanes(3)
    assert chosen_workloads(problem, "train", quick=True) == (
        "train/load0.7/seed1",
        "train/load0.7/seed2",
        "train/load0.9/seed1",
    )
    assert len(chosen_workloads(problem, "train", quick=False)) == 6


def test_a_judging_of_named_workloads_measures_those_in_that_order(bubblewrap: Sandbox) -> None:
    names = ("train/load0.9/seed1", "train/load0.7/seed2")
    task = JudgeTask(
        problem=ProblemRef(name=str(SUPPORT / "lanes.py")),
        candidate=Candidate.from_source(lanes.EARLIEST),
        sandbox=bubblewrap.name,
    )
    part, whole = judge(task.model_copy(update={"only": names})), judge(task)
    figures = {m.workload: m.objective for m in whole.measurements}
    assert [(m.workload, m.objective) for m in part.measurements] == [(name, figures[name]) for name in names]


def test_pairs_that_are_nearly_equal_are_not_ranked() -> None:
    one = {"a": 1.0, "b": 2.0, "c": 2.001}
    assert agreement(one, {"a": 1.0, "b": 2.001, "c": 2.0}) == (2, 0)
    assert agreement(one, {"a": 3.0, "b": 2.0, "c": 2.0}) == (0, 2)
    assert agreement(one, {"a": 3.0, "b": 2.0, "c": 2.0}).tau == -1.0
    assert agreement({"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 3.0}).tau is None


def test_reliability_is_that_of_the_published_example() -> None:
    """Shrout and Fleiss, 1979, table 2: six targets, four judges, ICC(3,1) = 0.71."""
    ratings = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
    found = reliability_of_one_seed(ratings)
    assert found is not None
    assert round(found, 2) == 0.71
    assert reliability_of_one_seed([(1.0, 2.0)]) is None
    assert reliability_of_one_seed([(1.0,), (2.0,)]) is None


@pytest.mark.parametrize(("one", "seeds"), [(0.5, 9), (0.9, 1), (1.0, 1), (0.0, None), (-0.1, None), (1e-4, None)])
def test_spearman_and_brown_say_how_many_seeds_would_do(one: float, seeds: int | None) -> None:
    assert seeds_needed(one) == seeds


def test_a_gain_is_positive_for_the_better_score_in_either_direction() -> None:
    less = Yardstick(sign=1.0, best=2.0, best_name="b", control=4.0)
    more = Yardstick(sign=-1.0, best=2.0, best_name="b", control=1.0)
    assert (less.gain(1.0), more.gain(3.0)) == (0.5, 0.5)
    assert (less.closed(3.0), more.closed(1.5)) == (0.5, 0.5)
    assert less.beyond_noise(1.9, 2.0)
    assert not less._replace(noise=0.05).beyond_noise(1.9, 2.0)
    assert less._replace(control=1.0).closed(1.5) is None
