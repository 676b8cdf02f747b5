"""Real runs: what a sitting measures, what it says of the simulator, and what an archived design keeps of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from speciate.agent import open_archive
from speciate.evaluators import ProblemRef, SpeciateError, problem_of
from speciate.runs._judged import judged_all
from speciate.runs._real_figures import RealFindings, Sat, agreement, findings_of, standing
from speciate.runs._real_rows import is_real
from speciate.runs._real_sitting import Sitter, Sitting, designs_of
from speciate.runs.cli import app
from support.lanes import EARLIEST
from support.real_lanes import GAP

LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")
CHEAT = EARLIEST.replace("POWER = 0.6", "POWER = 1.6").replace(
    "    best, least = 0", "    if yard.now > job.arrival:\n        return 1\n    best, least = 0"
)
"""The best there is, as long as no time passes between an arrival and the question."""
BASELINES = ["first-lane", "least-backlog", "earliest-finish"]


def sat(words: Sequence[str], repeats: int = 3) -> Sitting:
    ref = ProblemRef(name=LANES)
    designs = designs_of(words, ref, problem_of(ref), None)
    return Sitter(problem_of(ref), designs, "process", None, lambda line: None).sit("s1", repeats)


def said(sitting: Sitting) -> RealFindings:
    whole = {"problem": LANES, "options": {}, "sitting": sitting.id, "environment": {}, "metrics": ("mean_s", "last_s")}
    return findings_of(Sat(**whole, facts=sitting.facts), sitting.words)


def written(folder: Path, text: str, name: str = "clock_reader.py") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_the_gap_is_what_the_simulator_is_wrong_by() -> None:
    sitting = sat(BASELINES)

    found = said(sitting)

    assert {each.name for each in found.designs} == set(BASELINES)
    assert all(len(words) == 3 for words in sitting.words.values())
    for design in found.designs:
        for figure in design.figures:
            assert figure.gap.mean == pytest.approx(GAP + 0.01)
            assert figure.gap.low is not None
            assert figure.gap.low < GAP + 0.01 < (figure.gap.high or 0)
        assert design.rank == design.simulated_rank
        assert not design.out_of_line
    assert found.errors["mean_s"] == pytest.approx(GAP + 0.01)
    assert found.agreement is not None
    assert found.agreement.correlation == pytest.approx(1.0)
    assert found.in_line is None


def test_a_design_of_the_simulators_blind_spot_is_shown_for_what_it_is(tmp_path: Path) -> None:
    found = said(sat([*BASELINES, written(tmp_path, CHEAT)]))

    odd = {design.name: design for design in found.designs}["clock-reader"]
    assert (odd.simulated_rank, odd.rank) == (1, 4)
    assert odd.apart is not None
    assert odd.apart.low is not None
    assert odd.apart.low > 1.0
    assert [design.name for design in found.designs if design.out_of_line] == ["clock-reader"]
    assert found.agreement is not None
    assert found.in_line is not None
    assert found.agreement.correlation < found.in_line.correlation == pytest.approx(1.0)


def test_the_repetitions_have_workloads_of_their_own_and_designs_share_them() -> None:
    sitting = sat(BASELINES[1:], repeats=2)
    names = [[word.measurements[0].workload for word in words] for words in sitting.words.values()]
    assert names == [["real/seed9000", "real/seed9001"]] * 2
    assert len(sitting.facts) == 2


def test_rank_correlation_knows_order_reversal_and_ties() -> None:
    one = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "f": 6.0}
    same, other = agreement(one, one), agreement(one, {name: -value for name, value in one.items()})
    assert same is not None
    assert other is not None
    assert (same.correlation, same.low, same.high) == pytest.approx((1.0, 1.0, 1.0))
    assert other.correlation == pytest.approx(-1.0)
    # Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: covariance 4.5, spreads 4.5 and 5.
    tied = agreement({"a": 1.0, "b": 1.0, "c": 2.0, "d": 3.0}, {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0})
    assert tied is not None
    assert tied.correlation == pytest.approx(4.5 / (4.5 * 5.0) ** 0.5)
    assert tied.low <= tied.correlation <= tied.high
    assert agreement({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0}) is None
    assert agreement({"a": 1.0, "b": 2.0, "c": 3.0}, dict.fromkeys("abc", 1.0)) is None


def test_a_design_that_fails_has_no_rank_and_no_score(tmp_path: Path) -> None:
    bad = written(tmp_path, "def choose(job, yard):\n    return 9\n", "bad.py")
    sitting = sat([*BASELINES, bad], repeats=2)

    found = said(sitting)

    assert (found.designs[-1].name, found.designs[-1].rank, found.designs[-1].repetitions) == ("bad", None, 0)
    assert found.designs[-1].status == "protocol"
    assert [design.rank for design in found.designs] == [1, 2, 3, None]
    assert "expected" in standing("bad", sitting.words) or "protocol" in standing("bad", sitting.words)


def test_an_archived_design_carries_both_figures(db: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    archive = open_archive(db)
    run = next(each for each in archive.runs() if each.control_of is None)
    best = archive.best(run.id)[0].candidate_id
    before = {split: judged_all(archive, run.id, best, split) for split in ("train", "validation", "heldout")}
    words = ["real", LANES, *BASELINES[1:], written(tmp_path, CHEAT), "--db", str(db), "--sandbox", "process"]
    designs = [best] if best not in {b.candidate.id for b in problem_of(run.problem).baselines()} else []

    assert app([*words, *designs, "--repeats", "2", "--out", str(tmp_path / "out")]) == 0

    text = capsys.readouterr().out
    assert "so only told here: clock-reader" in text
    rows = [each for each in archive.evaluations(run.id) if is_real(each)]
    assert {each.evaluation.labels for each in rows} == {("real",)}
    assert [each.repetition for each in rows if each.evaluation.candidate == rows[0].evaluation.candidate] == [0, 1]
    metrics = rows[0].evaluation.measurements[0].metrics
    assert metrics["mean_s"] == pytest.approx(metrics["simulated_mean_s"] * (1 + GAP))
    assert {split: judged_all(archive, run.id, best, split) for split in before} == before
    assert "real runs" in archive.openings(run.id)[-1].reason

    assert app(["show", rows[0].evaluation.candidate[:12], "--db", str(db)]) == 0
    assert "simulated in 2 repetitions, gap +5.5 %" in capsys.readouterr().out
    report = json.loads((tmp_path / "out/real.json").read_text(encoding="utf-8"))
    assert len(report["designs"]) == 3 + len(designs)
    assert "| real | sim | design |" in (tmp_path / "out/real.md").read_text(encoding="utf-8")


def test_what_cannot_be_measured_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = str(tmp_path / "none.db")
    for words, why in (
        (["cache-eviction", "clock"], "cannot be measured really"),
        ([LANES, "least-work"], "expected a baseline's name, a file, or a candidate of a database"),
        ([LANES, "first-lane", "first-lane"], "expected each design once"),
        ([LANES, written(tmp_path, "def place(a, b):\n    return 0\n")], "invalid"),
        ([LANES, "first-lane", "--out", __file__], "cannot be made"),
    ):
        assert app(["real", *words, "--db", nowhere, "--sandbox", "process"]) == 2
        error = capsys.readouterr().err
        assert why in error
        assert error.count("\n") == 1
    assert not (tmp_path / "none.db").exists()


def test_a_testbed_that_fails_keeps_what_was_measured(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from speciate.evaluators import SandboxError
    from support.real_lanes import LanesTest

    measured = LanesTest.measure

    def breaks(self: LanesTest, subject: object, workload: object) -> object:
        if workload.name == "real/seed9001":  # type: ignore[attr-defined]
            raise SandboxError("replica 0 of the testbed ended")
        return measured(self, subject, workload)  # type: ignore[arg-type]

    monkeypatch.setattr(LanesTest, "measure", breaks)
    archive = open_archive(db)
    ref = ProblemRef(name=LANES)
    designs = designs_of(BASELINES, ref, problem_of(ref), archive)
    with pytest.raises(SpeciateError, match="replica 0 of the testbed ended"):
        Sitter(problem_of(ref), designs, "process", archive, lambda line: None).sit("s9", 3)
    kept = [row for run in archive.runs() for row in archive.evaluations(run.id) if is_real(row)]
    assert len(kept) == len([design for design in designs if design.run is not None]) > 0
