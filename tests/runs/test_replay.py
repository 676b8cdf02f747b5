import json
import shutil
from pathlib import Path

import pytest
from speciate.agent import open_archive
from speciate.runs.cli import app

LANES = Path(__file__).parent.parent / "support" / "lanes.py"


@pytest.fixture
def copied(searched_file: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copied"
    shutil.copytree(searched_file.parent, folder)
    return folder / searched_file.name


def run_and_arm(path: Path) -> list[str]:
    archive = open_archive(path)
    ids = [run.id for run in archive.runs()]
    archive.close()
    return ids


def test_run_and_its_control_arm_replay_to_the_same_and_leave_nothing(copied, capsys):
    before = run_and_arm(copied)
    for run_id in before:
        assert app(["replay", run_id, "--db", str(copied)]) == 0
        assert "identical; digest " in capsys.readouterr().out
    assert run_and_arm(copied) == before
    assert {each.name for each in copied.parent.iterdir()} <= {"runs.db", "runs.db-wal", "runs.db-shm"}


def test_kept_replay_is_a_run_of_its_own_that_replays_again(copied, tmp_path, capsys):
    kept = tmp_path / "kept" / "again.db"
    assert app(["replay", run_and_arm(copied)[0], "--db", str(copied), "--into", str(kept), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"]
    assert told["recorded"] == told["digest"]
    (again,) = run_and_arm(kept)
    assert app(["replay", again, "--db", str(kept), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == told["digest"]


def test_record_that_parts_exits_with_1_and_names_the_ticket(copied, capsys):
    run_id = run_and_arm(copied)[0]
    archive = open_archive(copied)
    last = max(entry.ticket for entry in archive.insertions(run_id))
    with archive.database.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE insertions SET score = score + 1 WHERE run_id = '{run_id}' AND ticket = {last}"
        )
    archive.close()
    assert app(["replay", run_id, "--db", str(copied)]) == 1
    assert f"at ticket {last}: archive: recorded " in capsys.readouterr().out


def test_unknown_run_is_a_users_mistake(copied, capsys):
    assert app(["replay", "nobody", "--db", str(copied)]) == 2
    assert "expected the id of one run" in capsys.readouterr().err


def test_judged_again_in_a_sandbox_it_is_the_same(tmp_path, capsys):
    db = str(tmp_path / "judged.db")
    words = ["--evals", "6", "--sandbox", "process", "--rivals", "1", "--quiet", "--db", db]
    assert app(["run", str(LANES), *words, "--report", str(tmp_path / "report")]) == 0
    capsys.readouterr()
    assert app(["replay", "lanes", "--judge", "--executor", "inline", "--db", db, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identical"]
