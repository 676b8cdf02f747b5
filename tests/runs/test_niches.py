"""A run over centroids, islands and a category, from the command line to its report."""

import json
from pathlib import Path

import pytest
from speciate.runs.cli import app

LANES = Path(__file__).parent.parent / "support" / "lanes.py"
BUSIEST = """

class Busiest(Lanes):
    descriptors = (Lanes.descriptors[0], Descriptor.of("busiest", ("slow", "middle", "fast")))

    def measure(self, policy, workload):
        told = super().measure(policy, workload)
        share = told.descriptors["fast_share"]
        busiest = "fast" if share > 0.6 else "middle" if share > 0.3 else "slow"
        return told.model_copy(
            update={"descriptors": {"fast_share": share, "busiest": self.descriptors[1].number(busiest)}}
        )


def problem(options):
    return Busiest(3)
"""


def told(args: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert app(args) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "cells", "layout"),
    [
        (["--archive", "cvt:5", "--islands", "2", "--migrate", "4", "--restart", "6"], 15, "5 centroids, 2 islands"),
        ([], 18, "window 8\n"),
    ],
)
def test_a_run_with_a_category(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], cells: int, layout: str
) -> None:
    file, db, report = tmp_path / "busiest.py", str(tmp_path / "runs.db"), tmp_path / "report"
    file.write_text(LANES.read_text() + BUSIEST)
    common = ["--evals", "16", "--sandbox", "process", "--workers", "1", "--rivals", "1", "-q", "--json"]
    findings = json.loads(told(["run", str(file), *common, "--db", db, "--report", str(report), *words], capsys))
    assert findings["grid"]["niches"] == findings["dynamics"]["cells"] == cells
    run = findings["run_id"]
    facts = json.loads(told(["show", run, "--db", db, "--json"], capsys))
    held = {elite["cell"] for elite in facts["elites"]}
    assert len(held) == facts["dynamics"]["moments"][-1]["niches"] > 1
    assert all(elite["descriptors"]["busiest"] in (0, 1, 2) for elite in facts["elites"])
    assert layout in told(["show", run, "--db", db], capsys)
    drawn = told(["map", run, "--db", db], capsys)
    assert [line.split("|")[0].strip() for line in drawn.splitlines() if "|" in line] == ["fast", "middle", "slow"]
    assert f"{len(held)} of {cells} niches filled" in drawn
    assert "The archive over time" in (report / "report.md").read_text()
