"""Further objectives, and categories: what problem.toml may say, and what the check says of two that share a name."""

from pathlib import Path

import pytest
from speciate.evaluators import Objective, ProblemError, load_problem
from speciate.evaluators.check._contract import check_contract

TOML = """
name = "sum-squares"
title = "Sum of squares"
command = "python3 bench.py {candidate}"
objective = { name = "operations", unit = "operations" }
objectives = [{ name = "memory", unit = "bytes" }, { name = "digits", unit = "digits", direction = "maximize" }]
descriptors = [{ name = "order", categories = ["rows", "columns"] }]
workloads = [
    { split = "train", seed = 1 }, { split = "validation", seed = 2 }, { split = "heldout", seed = 3 }
]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "problem.toml").write_text(text)
    (folder / "seed.py").write_text("x = 1\n")
    return folder


def test_objectives_and_categories_come_from_the_file(tmp_path: Path) -> None:
    problem = load_problem(str(written(tmp_path, TOML)))
    assert problem.objectives == (
        Objective(name="memory", unit="bytes"),
        Objective(name="digits", unit="digits", direction="maximize"),
    )
    assert (problem.descriptors[0].bins, problem.descriptors[0].number("columns")) == (2, 1.0)


def test_every_objective_needs_its_pattern(tmp_path: Path) -> None:
    patterns = '[patterns]\noperations = "ops (.*)"\nmemory = "mem (.*)"\norder = "order (.*)"\n'
    with pytest.raises(ProblemError, match="patterns: expected one for each of digits, got operations"):
        load_problem(str(written(tmp_path, TOML + patterns)))


def test_the_check_refuses_two_objectives_of_one_name(tmp_path: Path) -> None:
    problem = load_problem(str(written(tmp_path, TOML.replace('"memory"', '"operations"'))))
    told = [note.found for note in check_contract(problem).notes if note.verdict == "FAIL"]
    assert told == ["two objectives have one name"]
