"""The list of problems: what each has to beat and what that leaves."""

import json

import pytest
from speciate.evaluators import ProblemError, measured_headroom
from speciate.runs.cli import app


def test_every_problem_is_listed_with_its_family_baselines_bound_and_measured_headroom(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert app(["problems", "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    for entry in found.values():
        assert entry["family"]
        assert entry["contenders"] >= 3
        assert entry["bounded"]
        # 1.0 where a bound is nothing at all: no request late.
        assert 0.0 < entry["headroom"] <= 1.0
    assert app(["problems"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(found) + 2
    assert all(any(line.startswith(name) for line in lines) for name in found)


def test_a_headroom_that_is_none_is_refused_and_a_missing_one_is_no_headroom(tmp_path) -> None:
    assert measured_headroom(tmp_path / "tuned.toml") is None
    file = tmp_path / "wrong.toml"
    file.write_text('[headroom]\nscore = "high"\n')
    with pytest.raises(ProblemError, match="expected what `speciate tune --out` writes"):
        measured_headroom(file)
