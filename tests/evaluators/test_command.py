"""Problems of the kind command: what problem.toml may say, how it is judged, and what is told about mistakes."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    JudgeTask,
    ProblemError,
    ProblemRef,
    Sandbox,
    SourceFile,
    Status,
    judge,
    judge_inline,
    load_problem,
)
from speciate.evaluators._metrics import by_patterns, from_last_line

pytestmark = pytest.mark.usefixtures("nothing_left")

TOML = """
name = "sum-squares"
title = "Sum of squares, by any program"
command = "python3 bench.py {candidate} --size {size} --seed {seed}"
seed = "seed.py"

[objective]
name = "operations"
unit = "operations"

[[descriptors]]
name = "source_bytes"
low = 0
high = 1000
bins = 10

[limits]
wall_s = 20
cpu_s = 10

[[workloads]]
split = "train"
seeds = [1, 2]
params = { size = 5 }

[[workloads]]
split = "validation"
seed = 3
params = { size = 6 }

[[workloads]]
name = "large"
split = "heldout"
seed = 4
params = { size = 7 }
"""
BENCH = """
import argparse, json, os, runpy
given = argparse.ArgumentParser()
given.add_argument("candidate"), given.add_argument("--size", type=int), given.add_argument("--seed", type=int)
told = given.parse_args()
space = runpy.run_path(told.candidate)
operations, answer = space["squares"](told.size)
assert os.environ["SPECIATE_SEED"] == str(told.seed) and os.path.isfile(os.environ["SPECIATE_FOLDER"] + "/data.txt")
print("some noise before")
print(json.dumps({"operations": operations, "correct": answer == sum(n * n for n in range(told.size)),
                  "feedback": f"size {told.size}", "passed over": "text"}))
"""
SCRIPT = """#!/bin/sh
set -e
for round in 1 2; do echo "took: $(wc -c < $1) units"; done
echo slow: $SPECIATE_SIZE
"""
SEED = "def squares(n):\n    return n, sum(i * i for i in range(n))\n"
FORMULA = "def squares(n):\n    return 1, (n - 1) * n * (2 * n - 1) // 6\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "problem.toml": TOML,
        "bench.py": BENCH,
        "seed.py": SEED,
        "data.txt": "x",
        "brief.md": "# Squares",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "formula.py").write_text(f'"""The closed form.\n\nSource: Faulhaber."""\n{FORMULA}')
    for path in (tmp_path, tmp_path / "baselines"):
        path.chmod(0o755)
    return tmp_path


def judged(folder: Path, source: str, sandbox: Sandbox, path: str = "candidate.py", language: str = "python"):
    candidate = Candidate(files=(SourceFile(path=path, text=source),), language=language)
    return judge(JudgeTask(problem=ProblemRef(name=str(folder)), candidate=candidate, sandbox=sandbox.name))


def test_a_folder_with_a_benchmark_is_a_problem(folder: Path, bubblewrap: Sandbox) -> None:
    problem = load_problem(str(folder))
    assert problem.kind == "command"
    assert [w.name for w in problem.workloads("train")] == ["train/seed1", "train/seed2"]
    assert [w.name for w in problem.workloads("heldout")] == ["large"]
    assert problem.brief().startswith("# Squares\n\n## Goal")
    assert "minimize operations" in problem.brief()
    assert problem.baselines()[0].source == "Faulhaber"
    word = judged(folder, problem.seed().source, bubblewrap)
    assert word.status is Status.OK, word.detail
    assert word.score == 5.0
    assert word.labels == ("in-process",)
    assert word.measurements[0].feedback == "size 5"
    assert word.measurements[0].metrics["cpu_s"] > 0
    assert word.descriptors == {"source_bytes": float(len(SEED))}
    assert word.cost.cpu_s > 0
    assert word.cost.decisions == 2
    assert judge_inline(problem, problem.baselines()[0].candidate).score == 1.0


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ("def squares(n):\n    return 1, 7\n", Status.INCORRECT, "train/seed1: size 5"),
        ("def squares(n):\n    return float('nan'), 30\n", Status.PROTOCOL, "finite number, got nan"),
        ("def squares(n):\n    return 10**400, 30\n", Status.PROTOCOL, "finite number, got inf"),
        ("def squares(n):\n    return 'few', 30\n", Status.PROTOCOL, "no operations; it reported cpu_s"),
        ("def squares(n):\n    raise KeyError(n)\n", Status.CRASHED, "KeyError: 5"),
        ("def squares(n):\n    import os; os._exit(0)\n", Status.PROTOCOL, "JSON object .* got nothing"),
        ("def squares(n):\n    while True: pass\n", Status.TIMEOUT, "1 CPU seconds"),
        ("def squares(n):\n    print('{' * 10**5); import os; os._exit(0)\n", Status.PROTOCOL, "last line of at most"),
        ("def squares(n) return\n", Status.INVALID, "candidate.py, line 1"),
        ("open('bench.py', 'w')\n", Status.CRASHED, "Read-only file system"),
    ],
)
def test_what_a_candidate_does_to_a_benchmark_has_its_word(
    source: str, status: Status, words: str, folder: Path, bubblewrap: Sandbox
) -> None:
    (folder / "problem.toml").write_text(TOML.replace("cpu_s = 10", "cpu_s = 1"))
    word = judged(folder, source, bubblewrap)
    assert word.status is status, word.detail
    assert re.search(words, word.detail, re.DOTALL), word.detail
    assert word.score is None


def test_a_shell_script_and_patterns_measure_a_candidate_of_another_language(folder: Path, bubblewrap: Sandbox) -> None:
    (folder / "bench.sh").write_text(SCRIPT)
    (folder / "bench.sh").chmod(0o755)
    (folder / "seed.txt").write_text("12345")
    text = TOML.replace("python3 bench.py {candidate} --size {size} --seed {seed}", "./bench.sh {candidate}")
    text = text.replace('seed = "seed.py"', 'seed = "seed.txt"\nentry = "answer.txt"\nlanguage = "text"\nbound = 4.5')
    (folder / "problem.toml").write_text(
        text + "[patterns]\noperations = 'took: *([0-9.]+) units'\nslow = 'slow: (.*)'\n"
    )
    (folder / "baselines" / "formula.py").unlink()
    (folder / "baselines" / "shorter.txt").write_text("# Shorter.")
    problem = load_problem(str(folder))
    assert problem.seed().language == problem.baselines()[0].candidate.language == "text"
    word = judged(folder, problem.seed().source, bubblewrap, "answer.txt", "text")
    assert word.status is Status.OK, word.detail
    assert word.measurements[0].metrics["slow"] == 5.0
    assert word.measurements[0].objective == 5.0
    assert judged(folder, "1234", bubblewrap, "answer.txt", "text").status is Status.CHEATED


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            replaced("title =", "titel ="),
            r"title: expected a value, it is missing; titel: not a key; .* bound",
        ),
        (
            replaced('"sum-squares"', '"Sum Squares"'),
            r"name: expected a string .* pattern .*got 'Sum Squares'",
        ),
        (replaced("bins = 10", 'bins = "many"'), r"descriptors\.0\.bins: expected a valid integer.*got 'many'"),
        (replaced("wall_s = 20", "wall = 20"), r"limits\.wall: not a key; expected one of .*wall_s"),
        (replaced("{size}", "{sise}"), r"command: expected placeholders .*got \{sise\}"),
        (replaced('split = "heldout"', 'split = "test"'), r"workloads\.2\.split: expected 'train', .* got 'test'"),
        (replaced('split = "heldout"', 'split = "train"'), "workloads: expected at least one of split heldout"),
        (replaced("seeds = [1, 2]", "seeds = [1, 1]"), "expected different names, got train/seed1 more than once"),
        (replaced('name = "large"', "params2 = 3"), r"workloads\.2\.params2: not a key"),
        (replaced("size = 7", "seed = 7"), r"workloads\.2\.params: expected names .* got 'seed'"),
        (replaced('"seed.py"', '"nowhere.py"'), "nowhere.py: expected the program a search starts from"),
        (replaced('"seed.py"', '"../seed.py"'), r"seed: expected the path of a file below its folder.*'\.\./seed\.py'"),
        (replaced("[objective]", "[objective"), "expected TOML, got an error in it: .*line 7"),
        (
            lambda text: text + "[patterns]\noperations = '([0-9]'\n",
            "expected a regular expression",
        ),
        (
            lambda text: text + "[patterns]\noperations = '[0-9]'\n",
            "expected a pattern with one group, got 0",
        ),
        (
            lambda text: text + "[patterns]\nother = '([0-9])'\n",
            "expected one for each of operations, got other",
        ),
        (replaced('command = "python3', "command = \"'python3"), "command: No closing quotation"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(change: Callable[[str], str], words: str, folder: Path) -> None:
    (folder / "problem.toml").write_text(change(TOML))
    with pytest.raises(ProblemError, match=r"problem\.toml|nowhere\.py") as caught:
        load_problem(str(folder))
    assert re.search(words, str(caught.value)), str(caught.value)


def test_options_are_refused(folder: Path) -> None:
    with pytest.raises(ProblemError, match=r"takes no options, got size; set values in the file"):
        load_problem(str(folder), {"size": "4"})


def test_files_that_the_benchmarks_user_cannot_read_are_told_before_it_fails(folder: Path, bubblewrap: Sandbox) -> None:
    if os.geteuid() != 0:
        pytest.skip("without root the benchmark runs as the same user")
    (folder / "bench.py").chmod(0o600)
    with pytest.raises(ProblemError, match=r"bench\.py: expected .* readable by all.*chmod -R o\+rX"):
        judged(folder, SEED, bubblewrap)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got nothing"),
        ("[1]", r"got '\[1\]'"),
        ("[" * 60_000, "expected a JSON object"),
        ('{"a": Infinity}', "a: expected a finite number"),
        ('{"correct": "no"}', "true or false, got 'no'"),
        ('{"' + "n" * 101 + '": 1}', "short names"),
        ("{" + ", ".join(f'"m{n}": 1' for n in range(201)) + "}", "at most 200 metrics of short names, got 201"),
    ],
)
def test_a_last_line_that_is_no_report_is_protocol(text: str, words: str) -> None:
    with pytest.raises(CandidateFault, match=words) as caught:
        from_last_line(text)
    assert caught.value.status is Status.PROTOCOL


def test_metrics_are_numbers_alone_and_the_last_line_counts() -> None:
    read = from_last_line(
        '{"a": 1}\n{"a": 2, "b": true, "c": "3", "d": [4], "e": 0.5, "feedback": "' + "x" * 3000 + '"}\n\n'
    )
    assert read.metrics == {"a": 2.0, "e": 0.5}
    assert len(read.feedback) == 2000
    assert read.correct


def test_a_pattern_takes_the_last_line_that_fits() -> None:
    patterns = {"a": "a=(.*)"}
    assert by_patterns("a=1\na=2\nb=3", patterns).metrics == {"a": 2.0}
    for text, words in (("b=1", "expected a line with a"), ("a=x", "expected a number"), ("a=nan", "finite number")):
        with pytest.raises(CandidateFault, match=words):
            by_patterns(text, patterns)
