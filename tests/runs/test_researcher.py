"""Researcher mode from the command line: a run, what is shown of it, its report and its replay."""

import json
import re
from pathlib import Path

import pytest
from speciate.agent import EXPERIMENT, RunSettings, open_archive
from speciate.runs._arms import arm_settings
from speciate.runs.cli import app
from support.openai_server import OpenAIServer

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")


def test_run_in_researcher_mode_is_shown_reported_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, folder = str(tmp_path / "runs.db"), tmp_path / "report"
    with OpenAIServer(["authored"]) as server:
        words = ["--mode", "researcher", "--model", "m", "--base-url", server.base_url, "--evals", "6", "--window", "1"]
        places = ["--sandbox", "process", "--executor", "inline", "--rivals", "1", "--quiet", "--db", db]
        assert app(["run", LANES, *words, *places, "--report", str(folder)]) == 0
        asked = server.requests
    capsys.readouterr()
    archive = open_archive(db)
    (run,) = archive.runs()
    ticket = next(each.number for each in archive.tickets(run.id) if each.proposer == "llm")
    experiments = len(archive.evaluations(run.id, purpose=EXPERIMENT))
    archive.close()
    assert experiments > 0

    assert app(["show", run.id, "--db", db]) == 0
    shown = capsys.readouterr().out
    assert "proposer   llm (m), mode researcher, seed 0" in shown
    assert f"evaluations, {experiments} experiments, " in shown
    assert app(["show", f"{run.id}/{ticket}", "--db", db]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^rationale  A job goes where it is done first", shown, re.MULTILINE)
    assert re.search(r"^hypothesis Slow lanes cost most", shown, re.MULTILINE)
    (insight,) = re.findall(r"^insight    (POWER 0.\d+ gave 1.+)$", shown, re.MULTILINE)
    assert "train (experiment): ok" in shown

    text = (folder / "report.md").read_text()
    assert f"{experiments} experiments, each a draft on one of the 6 train workloads, took as much of the" in text
    assert "--mode researcher" in text
    assert f"- Ticket {ticket}, ok, score 1." in text
    assert f"Learnt: {insight}" in text
    assert f"Learnt: {insight}" in (folder / "report.html").read_text()

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert app(["replay", run.id, "--judge", "--executor", "inline", "--db", db, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identical"]
    assert server.requests == asked


def test_chance_is_a_control_of_researchers_too() -> None:
    told = {"problem": {"name": LANES}, "proposer": "llm", "models": [{"name": "m"}], "mode": "researcher"}
    settings = RunSettings.model_validate(told | {"budget": {"evaluations": 9}})
    chance = arm_settings(settings, "random", None)
    assert (chance.proposer, chance.mode, chance.budget.evaluations) == ("random", "evolve", 9)
    assert arm_settings(settings, "best-of-n", None).mode == "researcher"
