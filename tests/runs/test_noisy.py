"""A noisy problem from search to claim, and a race with its audit, through the functions of the product."""

from pathlib import Path

import pytest
from speciate.agent import Archive, Budget, GeneticProposer, open_archive
from speciate.evaluators import Problem, problem_of
from speciate.runs import app
from speciate.runs._confirmation import REPETITIONS, finalists_of, selection_of
from speciate.runs._findings import Findings, findings_of
from speciate.runs._judged import judged_all
from speciate.runs._report import html_of, markdown_of
from speciate.runs._search import new_run
from speciate.runs._verdict import NOISY_REPETITIONS, Verdict
from support.trusted import TrustedExecutor

from .conftest import searched, settings

NOISY = str(Path(__file__).parent.parent / "support" / "noisy_lanes.py")
LANES = str(Path(__file__).parent.parent / "support" / "lanes.py")


class Settled:
    def __init__(self, folder: Path, seeds: int, evaluations: int = 24):
        self.archive: Archive = open_archive(folder / f"{seeds}.db", create=True)
        wanted = settings(problem={"name": NOISY, "options": {"seeds": str(seeds)}}, remeasure=4)
        wanted = wanted.model_copy(update={"budget": Budget(evaluations=evaluations)})
        self.problem: Problem = problem_of(wanted.problem)
        self.run = new_run(self.archive, wanted, [])
        searched(self.archive, self.run, self.problem, GeneticProposer(self.problem))
        self.executor = TrustedExecutor()
        self.settle(self.executor)

    def settle(self, executor: TrustedExecutor) -> None:
        Verdict(self.archive, self.archive.run(self.run.id), self.problem, executor).settle(1)

    @property
    def findings(self) -> Findings:
        return findings_of(self.archive, self.archive.run(self.run.id), self.problem)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Settled:
    return Settled(tmp_path_factory.mktemp("noisy"), seeds=1)


def test_the_champion_is_chosen_by_repetitions_within_the_stated_budget(settled: Settled) -> None:
    run, archive = settled.run, settled.archive
    finalists = finalists_of(archive, run.id)
    rows = archive.evaluations(run.id, purpose="champion")
    assert len(finalists) < len(rows) <= REPETITIONS * len(finalists)
    assert len({(row.evaluation.candidate, row.repetition) for row in rows}) == len(rows)
    choice = selection_of(archive, run.id, finalists, settled.problem).choice()
    assert choice.arm is not None
    assert archive.run(run.id).champion == finalists[choice.arm]
    confirmation = settled.findings.confirmation
    assert confirmation is not None
    assert (confirmation.queries, confirmation.decided) == (1, choice.decided)
    opened = [each.reason for each in archive.openings(run.id) if each.split == "validation"]
    assert sum(reason.startswith("to choose the champion of") for reason in opened) == 1
    assert any(f"at most {REPETITIONS * len(finalists)} evaluations" in reason for reason in opened)


def test_heldout_is_measured_again_and_again_and_repetitions_are_the_pairs(settled: Settled) -> None:
    champion = settled.archive.run(settled.run.id).champion
    assert champion is not None
    found = judged_all(settled.archive, settled.run.id, champion, "heldout")
    assert [record.repetition for record in found] == list(range(NOISY_REPETITIONS))
    findings = settled.findings
    assert findings.best_baseline is not None
    gain = findings.best_baseline.gain
    assert gain is not None
    assert (gain.unit, len(gain.pairs)) == ("repetition", NOISY_REPETITIONS)
    assert gain.exact_low is not None
    assert findings.champion is not None
    scores = [record.evaluation.score or 0.0 for record in found]
    assert findings.champion.design.heldout == pytest.approx(sum(scores) / len(scores))
    assert len(findings.workloads) == len(settled.problem.workloads("heldout"))
    assert any("fresh repetitions" in note for note in findings.notes)


def test_a_second_settling_of_a_noisy_run_measures_nothing(settled: Settled) -> None:
    executor = TrustedExecutor()
    openings = settled.archive.openings(settled.run.id)
    settled.settle(executor)
    assert executor.tasks == []
    assert settled.archive.openings(settled.run.id) == openings


@pytest.mark.parametrize("cut", [8, 20, 45])
def test_a_noisy_settling_that_was_cut_off_ends_the_same(settled: Settled, tmp_path: Path, cut: int) -> None:
    again = Settled.__new__(Settled)
    again.archive = open_archive(tmp_path / "again.db", create=True)
    again.problem = settled.problem
    again.run = new_run(again.archive, settled.run.settings, [])
    searched(again.archive, again.run, again.problem, GeneticProposer(again.problem))
    with pytest.raises(KeyboardInterrupt):
        again.settle(TrustedExecutor(limit=cut))
    rest = TrustedExecutor()
    again.settle(rest)
    rows = [
        (each.evaluation.candidate, each.evaluation.split, each.purpose, each.repetition)
        for each in again.archive.evaluations(again.run.id)
        if each.ticket is None
    ]
    assert len(rows) == len(set(rows)) == len(settled.executor.tasks)
    assert len(rest.tasks) < len(settled.executor.tasks)
    whole, cut_off = settled.findings, again.findings
    assert cut_off.claim == whole.claim
    assert cut_off.confirmation == whole.confirmation
    assert cut_off.baselines == whole.baselines


def test_with_enough_seeds_they_are_the_pairs(tmp_path: Path) -> None:
    findings = Settled(tmp_path, seeds=6, evaluations=6).findings
    assert findings.best_baseline is not None
    assert findings.best_baseline.gain is not None
    assert (findings.best_baseline.gain.unit, len(findings.best_baseline.gain.pairs)) == ("seed", 6)


def test_both_reports_say_how_sure_it_is(settled: Settled) -> None:
    findings = settled.findings
    assert findings.confirmation is not None
    for text in (html_of(findings, {}), markdown_of(findings, ())):
        assert "paired by repetition" in text
        assert "exact 95 % interval by sign flips" in text
        assert "chosen behind a gate" in text
        assert "validation evaluations chose among the finalists" in text
        assert "fresh repetitions" in text


def test_a_race_is_audited_and_told_in_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", LANES, "--evals", "90", "--seed", "2", "--racing", "--sandbox", "process", "--quiet", "--json"]
    assert app([*words, "--db", str(tmp_path / "r.db"), "--report", str(tmp_path / "report")]) == 0
    findings = Findings.model_validate_json(capsys.readouterr().out)
    race = findings.racing
    assert race is not None
    archive = open_archive(tmp_path / "r.db")
    (run,) = archive.runs()
    out = [each for each in archive.evaluations(run.id) if each.evaluation.status == "raced_out"]
    assert race.raced_out == len(out) == findings.outcomes.get("raced_out", 0) > 0
    assert not {entry.ticket for entry in archive.insertions(run.id)} & {each.ticket for each in out}
    assert race.skipped == sum(6 - len(each.evaluation.measurements) for each in out) > 0
    assert "--racing" in next(iter(findings.commands.values()))
    assert race.words in (tmp_path / "report" / "report.md").read_text().replace("\\", "")


def test_a_run_without_a_race_says_nothing_of_one(settled: Settled) -> None:
    assert settled.findings.racing is None
    assert "Racing gave up" not in markdown_of(settled.findings, ())
