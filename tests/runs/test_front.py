"""Fronts of several objectives, from a problem to its report."""

import json
from pathlib import Path

import pytest
from speciate.runs.cli import app

LANES = Path(__file__).parent.parent / "support" / "lanes.py"
SEVERAL = """

class Several(Lanes):
    objectives = (
        Objective(name="last_s", unit="s"),
        Objective(name="fast", unit="share", direction="maximize"),
    )

    def measure(self, policy, workload):
        told = super().measure(policy, workload)
        return told.model_copy(update={"metrics": {**told.metrics, "fast": told.descriptors["fast_share"]}})


def problem(options):
    return Several(2)
"""


def dominates(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def test_a_problem_of_three_objectives_is_reported_with_its_fronts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, report = tmp_path / "several.py", tmp_path / "report"
    file.write_text(LANES.read_text() + SEVERAL)
    common = ["--evals", "16", "--sandbox", "process", "--workers", "1", "--rivals", "1", "-q", "--json"]
    assert app(["run", str(file), *common, "--db", str(tmp_path / "runs.db"), "--report", str(report)]) == 0
    findings = json.loads(capsys.readouterr().out)
    fronts = findings["fronts"]
    assert [each["name"] for each in fronts["objectives"]] == ["mean sojourn", "last_s", "fast"]
    designs = fronts["designs"]
    minimised = {each["ticket"]: (*each["values"][:2], -each["values"][2]) for each in designs}
    for design in designs:
        mine = minimised[design["ticket"]]
        assert not any(dominates(minimised[o["ticket"]], mine) for o in designs if o["cell"] == design["cell"])
        assert design["overall"] == (not any(dominates(other, mine) for other in minimised.values()))
    assert min(design["values"][0] for design in designs) == min(cell["score"] for cell in findings["grid"]["cells"])
    assert len({design["cell"] for design in designs}) == findings["grid"]["filled"]
    assert len(designs) + len(fronts["beaten"]) == findings["outcomes"]["ok"]
    assert "Several objectives" in (report / "report.html").read_text()
    assert (report / "front.png").stat().st_size > 1000
