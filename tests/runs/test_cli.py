"""The command: start-up, errors at the boundary, what each command prints and exits with."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from speciate.agent import Archive, RunRecord, open_archive
from speciate.runs import _health
from speciate.runs.cli import app
from support.commands import speciate

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")


def failed(args: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail as a user's mistake, and return what it says."""
    assert app(args) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert err.count("\n") == 1, err
    assert err.startswith("speciate: ")
    return err


def told(args: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    assert app(args) == code
    return capsys.readouterr().out


def test_help_is_light() -> None:
    script = (
        "import sys, speciate.runs.cli as cli\n"
        "code = cli.app(['--help'])\n"
        "heavy = {'rich', 'pydantic', 'sqlalchemy', 'numpy', 'openai', 'langgraph', 'matplotlib', 'scipy', 'jinja2'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize(
    "command",
    [
        *("run", "resume", "list", "show", "best", "map", "report", "eval", "baselines", "tune", "replicate"),
        *("ask", "tell", "mcp", "problems", "doctor", "sandbox"),
    ],
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Usage: speciate" in told([command, "--help"], capsys)


def test_unknown_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    err = failed(["run", "no-such-problem", "--db", str(tmp_path / "x.db")], capsys)
    assert "no-such-problem" in err
    assert "serving-router" in err


def test_unreadable_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for problem in (LANES, "serving-router"):
        missing = str(tmp_path / "missing.csv")
        err = failed(["run", problem, "--trace", missing, "--db", str(tmp_path / "x.db")], capsys)
        assert "missing.csv" in err


def without_bubblewrap(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none"}
    return speciate("run", LANES, "--db", str(tmp_path / "r.db"), *words, cwd=tmp_path, environment=environment)


def test_no_sandbox_for_a_models_code(tmp_path: Path) -> None:
    done = without_bubblewrap(tmp_path, "--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--evals", "4")
    assert done.returncode == 2
    assert re.fullmatch(r"speciate: .*bwrap.*--sandbox process\n", done.stderr), done.stderr


def test_code_of_the_fixed_grammar_runs_in_the_weak_sandbox_with_a_warning(tmp_path: Path) -> None:
    done = without_bubblewrap(tmp_path, "--evals", "4", "--quiet")
    assert done.returncode == 0, done.stderr
    assert re.search(r"speciate: warning: .*bwrap.* run in the weak sandbox 'process'", done.stderr)
    findings = next((tmp_path / "reports").glob("*/findings.json"))
    assert json.loads(findings.read_text())["champion"]


def test_unknown_sandbox_option_and_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    db = ["--db", str(tmp_path / "x.db")]
    assert "expected one of: docker, bubblewrap" in failed(["run", LANES, "--sandbox", "fort", *db], capsys)
    assert "KEY=VALUE" in failed(["run", LANES, "--option", "seeds", *db], capsys)
    assert "--minutes" in failed(["run", LANES, "--minutes", "-1", *db], capsys)
    assert "--model" in failed(["run", LANES, "--proposer", "llm", *db], capsys)
    assert "--proposer" in failed(["run", LANES, "--proposer", "genetic", "--model", "m", *db], capsys)
    assert "--rivals" in failed(["run", LANES, "--rivals", "few", *db], capsys)


def test_a_missing_key_is_told_by_the_name_of_its_variable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    err = failed(["run", LANES, "--model", "m", "--evals", "3", "--quiet", "--db", str(tmp_path / "x.db")], capsys)
    assert "OPENAI_API_KEY" in err


def test_a_key_given_as_a_name_is_not_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "sk-verysecret123"
    err = failed(["run", LANES, "--model", "m", "--api-key-env", secret, "--db", str(tmp_path / "x.db")], capsys)
    assert secret not in err
    assert "--api-key-env" in err


def test_foreign_and_missing_databases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "another program" in failed(["list", "--db", str(foreign)], capsys)
    text = tmp_path / "notes.txt"
    text.write_text("dear diary")
    assert "not an SQLite file" in failed(["run", LANES, "--evals", "2", "--db", str(text)], capsys)
    assert "no archive there" in failed(["list", "--db", str(tmp_path / "none.db")], capsys)
    assert text.read_text() == "dear diary"


def test_a_locked_database(db: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_archive.__kwdefaults__ is not None
    monkeypatch.setitem(open_archive.__kwdefaults__, "busy_timeout_s", 0.1)
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        err = failed(["run", LANES, "--evals", "2", "--sandbox", "process", "--db", str(db)], capsys)
    finally:
        other.close()
    assert "locked" in err


def test_unknown_and_ambiguous_names(db: Path, archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--db", str(db)]
    assert "none" in failed(["best", "nothing-here", *where], capsys)
    assert "it could be lanes-" in failed(["map", "lanes", *where], capsys)
    assert "it could be lanes-" in failed(["show", "lanes", *where], capsys)
    assert "at least 4" in failed(["show", "zz", *where], capsys)
    assert "there is none" in failed(["show", "ffffffffffff", *where], capsys)
    run = archive.runs()[0].id
    assert "no ticket 999" in failed(["show", f"{run}/999", *where], capsys)


def test_an_error_of_ours_leaves_its_traceback_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def problem(options):\n    return 1 / 0\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert app(["run", str(broken), "--db", str(tmp_path / "x.db")]) == 1
    err = capsys.readouterr().err
    (crash,) = tmp_path.glob("speciate-crash-*.txt")
    assert str(crash) in err
    assert "ZeroDivisionError" in crash.read_text()
    assert "Traceback" not in err


def test_list_and_show_tell_the_same_as_their_json(
    db: Path, archive: Archive, run: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--db", str(db)]
    rows = json.loads(told(["list", "--json", *where], capsys))
    assert [row["run"] for row in rows] == [each.id for each in archive.runs()]
    assert run.id in told(["list", *where], capsys)
    facts = json.loads(told(["show", run.id, "--json", *where], capsys))
    assert facts["evaluations"] == 24
    assert sum(facts["outcomes"].values()) == len(archive.tickets(run.id))
    text = told(["show", run.id, *where], capsys)
    assert "24 evaluations" in text
    assert "operator" in text


def test_a_candidate_is_shown_by_id_and_by_ticket(
    db: Path, archive: Archive, run: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--db", str(db)]
    best = archive.best(run.id)[0]
    by_ticket = told(["show", f"{run.id}/{best.ticket}", *where], capsys)
    assert best.candidate_id in by_ticket
    assert "def choose" in by_ticket
    facts = json.loads(told(["show", f"{run.id}/{best.ticket}", "--json", *where], capsys))
    assert facts["candidate"] == best.candidate_id
    assert facts["evaluations"][0]["score"] == best.score
    assert facts["insight"] == ""
    with archive.database.write() as connection:
        told_of = "UPDATE candidates SET insight = 'what\nwas learnt', hypothesis = 'expected' WHERE ticket = ?"
        connection.exec_driver_sql(told_of, (best.ticket,))
    text = told(["show", f"{run.id}/{best.ticket}", *where], capsys)
    assert "\nhypothesis expected\ninsight    what was learnt\n" in text


def test_best_prints_code_that_runs_as_it_is(
    db: Path, archive: Archive, run: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    code = told(["best", run.id, "--code", "--db", str(db)], capsys)
    namespace: dict[str, object] = {}
    exec(compile(code, "best", "exec"), namespace)
    assert callable(namespace["choose"])
    assert archive.best(run.id)[0].candidate_id in told(["best", run.id, "--db", str(db)], capsys)


def test_map_is_plain_ascii_in_a_pipe(db: Path, run: RunRecord, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = told(["map", run.id, "--db", str(db)], capsys)
    assert drawn.isascii()
    assert "\x1b" not in drawn
    assert "fast share [share] >" in drawn
    assert "imbalance [share] ^" in drawn
    assert len(json.loads(told(["map", run.id, "--json", "--db", str(db)], capsys))["cells"]) > 1


def test_problems_and_doctor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "serving-router" in told(["problems"], capsys)
    monkeypatch.setenv("MY_KEY", "sk-secret")
    app(["doctor", "--api-key-env", "MY_KEY"])
    out = capsys.readouterr().out
    assert "MY_KEY is set" in out
    assert "sk-secret" not in out
    assert "does not stop" in out
    checks = [("doctor", "--json"), ("problems", "--json")]
    for words in checks:
        app(list(words))
        assert isinstance(json.loads(capsys.readouterr().out), list)


def test_doctor_names_the_switch_of_huge_pages_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "enabled"
    monkeypatch.setattr(_health, "huge_pages_granted", lambda: False)
    monkeypatch.setattr(_health, "HUGE_PAGES_SWITCH", switch)
    assert "echo" not in _health._pages().told
    switch.write_text("always madvise [never]", encoding="ascii")
    assert _health._pages().told.endswith(f"echo madvise > {switch}")


def test_eval_exits_with_0_only_for_a_design_that_is_ok(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("def choose(job, yard):\n    return 2\n")
    bad.write_text("def choose(job, yard):\n    return 99\n")
    out = told(["eval", LANES, str(good), "--sandbox", "process"], capsys)
    assert "train/load0.9/seed3" in out
    assert "earliest-finish" in out
    assert "protocol" in told(["eval", LANES, str(bad), "--sandbox", "process"], capsys, code=1)
    facts = json.loads(told(["eval", LANES, str(good), "--split", "heldout", "--sandbox", "process", "--json"], capsys))
    assert facts["status"] == "ok"
    assert len(facts["measurements"]) == 6
    assert "cannot be read" in failed(["eval", LANES, str(tmp_path / "none.py"), "--sandbox", "process"], capsys)


def test_baselines_are_listed_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(told(["baselines", LANES, "--sandbox", "process", "--json"], capsys))
    assert [fact["name"] for fact in facts] == ["earliest-finish", "least-backlog", "first-lane"]


def test_tune_writes_constants_no_worse_than_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import tomllib

    out = tmp_path / "tuned.toml"
    told(["tune", LANES, "--evals", "12", "--out", str(out), "--section", "plain", "--workers", "1"], capsys)
    tuned = tomllib.loads(out.read_text())["plain"]
    assert set(tuned) == {"first_lane", "least_backlog", "earliest_finish"}
    assert tuned["earliest_finish"]["evaluations"] == 12
    assert set(tuned["earliest_finish"]["values"]) == {"POWER"}
