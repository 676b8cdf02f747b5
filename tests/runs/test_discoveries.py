"""A claim over several seeds: one table of all, resumable, and nothing searched twice."""

from contextlib import closing
from pathlib import Path

import pytest
from speciate.agent import open_archive
from speciate.runs import app

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")


def test_every_seed_is_in_the_table_and_a_second_call_searches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["discoveries", LANES, "--seeds", "1,2", "--evals", "8", "--sandbox", "process", "--quiet"]
    words += ["--db", str(tmp_path / "d.db"), "--out", str(tmp_path / "out")]
    assert app(words) == 0
    table = (tmp_path / "out" / "README.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith(("| 1 |", "| 2 |"))]
    assert len(rows) == 2
    assert "of 2 champions beat the best tuned baseline" in capsys.readouterr().out
    for seed in (1, 2):
        assert (tmp_path / "out" / f"seed{seed}" / "report.html").is_file()
    with closing(open_archive(tmp_path / "d.db")) as archive:
        before = {run.id: len(archive.evaluations(run.id)) for run in archive.runs()}
    assert len(before) == 4
    assert app(words) == 0
    with closing(open_archive(tmp_path / "d.db")) as archive:
        assert {run.id: len(archive.evaluations(run.id)) for run in archive.runs()} == before
    assert (tmp_path / "out" / "README.md").read_text() == table

    capsys.readouterr()
    assert app(["discoveries", "--table", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("On 0 of 1 problems")
    together = (tmp_path / "README.md").read_text().splitlines()
    assert [line.partition("(out) ")[2] for line in together if line.startswith("| [out](out) |")] == rows


def test_a_table_of_nothing_or_of_other_findings_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["discoveries", "--table", str(tmp_path)]
    assert app(words) == 2
    assert "found none: `speciate discoveries` makes them" in capsys.readouterr().err
    (tmp_path / "lanes" / "seed1").mkdir(parents=True)
    (tmp_path / "lanes" / "seed1" / "findings.json").write_text('{"seed": 1}')
    assert app(words) == 2
    assert "expected the findings of a report of this version" in capsys.readouterr().err
    assert app(["discoveries"]) == 2
    assert "expected the name of a problem, or --table DIR" in capsys.readouterr().err


def test_seeds_that_are_no_numbers_are_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["discoveries", LANES, "--seeds", "1,two", "--db", str(tmp_path / "d.db")]) == 2
    said = capsys.readouterr().err.strip()
    assert said == "speciate: --seeds: expected whole numbers with commas between, got '1,two'"
