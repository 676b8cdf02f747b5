"""From a searched run to evidence: the champion chosen on validation, then held-out opened for the report.

Everything measured becomes a row at once, and a row that exists is not measured again, so a verdict that was
interrupted goes on where it stopped. Openings are recorded before the workloads are used.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from typing import Any, NamedTuple

from speciate.agent import Archive, RunRecord
from speciate.evaluators import Baseline, Candidate, Cost, Evaluation, Executor, JudgeTask, Problem, Split, Status

from ._arms import controls_of
from ._findings import judged_on

FINALISTS = 5
"""Elites, best on train first, that validation chooses the champion from."""
RIVALS = 3
"""Tuned baselines, best on validation first, that are measured on held-out."""


class Judging(NamedTuple):
    """A measurement to be made and what it is for."""

    run_id: str
    candidate: Candidate
    split: Split
    purpose: str


class Verdict:
    """The settling of one run and of its control arms, if it has any.

    Args:
        archive: where the run is, and where all rows go.
        run: the searched run.
        problem: its problem.
        executor: judges.
        say: told, in a line, of each step begun.
    """

    def __init__(
        self,
        archive: Archive,
        run: RunRecord,
        problem: Problem[Any],
        executor: Executor,
        say: Callable[[str], None] = lambda line: None,
    ):
        self.archive = archive
        self.run = run
        self.problem = problem
        self.executor = executor
        self.say = say

    def settle(self, rivals: int | None = RIVALS) -> None:
        """Choose champions and measure them, and the best baselines, on held-out.

        ``rivals`` is how many tuned baselines face the champion there; None means all, controls included.
        """
        controls = [arm.id for arm in controls_of(self.archive, self.run.id)]
        arms = [self.run.id, *controls]
        champions = {arm: champion for arm in arms if (champion := self._choose(arm)) is not None}
        if self.run.id not in champions:
            return
        chosen = self._rivals(rivals)
        wanted = [
            Judging(arm, self.archive.candidate(arm, champion).candidate, "heldout", "report")
            for arm, champion in champions.items()
        ]
        wanted += [
            Judging(self.run.id, baseline.candidate, "heldout", f"baseline:{baseline.name}") for baseline in chosen
        ]
        arms_too = " and the control arm" + "s" * (len(controls) > 1) if controls else ""
        self._measure(wanted, f"the report: champion against the best tuned baselines{arms_too}")

    def _choose(self, run_id: str) -> str | None:
        """Return the candidate that is best on validation among the finalists, and record it as champion."""
        finalists = list(dict.fromkeys(elite.candidate_id for elite in self.archive.elites(run_id)))[:FINALISTS]
        wanted = [
            Judging(run_id, self.archive.candidate(run_id, candidate_id).candidate, "validation", "champion")
            for candidate_id in finalists
        ]
        self._measure(wanted, f"to choose the champion of {run_id} among its best elites")
        scored = [(self._score(run_id, each, "validation"), rank) for rank, each in enumerate(finalists)]
        judged = [(score, rank) for score, rank in scored if score is not None]
        if not judged:
            return None
        champion = finalists[min(judged)[1]]
        if self.archive.run(run_id).champion != champion:
            self.archive.set_champion(run_id, champion)
        return champion

    def _rivals(self, count: int | None) -> list[Baseline]:
        """Return the baselines that face the champion: the best on validation of the best on train."""
        baselines = list(self.problem.baselines())
        self._judge_baselines(baselines, "train")
        if count is None:
            self._judge_baselines(baselines, "validation")
            return baselines
        contenders = self._best([b for b in baselines if not b.control], "train", 2 * count)
        self._judge_baselines(contenders, "validation")
        return self._best(contenders, "validation", count)

    def _judge_baselines(self, baselines: Sequence[Baseline], split: Split) -> None:
        wanted = [Judging(self.run.id, b.candidate, split, f"baseline:{b.name}") for b in baselines]
        self._measure(wanted, "to choose the baselines that face the champion")

    def _best(self, baselines: Sequence[Baseline], split: Split, count: int) -> list[Baseline]:
        scored = [(self._score(self.run.id, b.candidate.id, split), i) for i, b in enumerate(baselines)]
        ranked = sorted((score, i) for score, i in scored if score is not None)
        return [baselines[i] for _, i in ranked[:count]]

    def _score(self, run_id: str, candidate_id: str, split: Split) -> float | None:
        """Return the minimised score of a finished ``ok`` evaluation."""
        record = judged_on(self.archive, run_id, candidate_id, split)
        if record is None or record.evaluation.score is None:
            return None
        return record.evaluation.score * (-1.0 if self.problem.objective.direction == "maximize" else 1.0)

    def _measure(self, judgings: Iterable[Judging], reason: str) -> None:
        """Make the measurements that have no row yet."""
        unique = {(j.run_id, j.candidate.id, j.split): j for j in judgings}
        missing = [j for j in unique.values() if judged_on(self.archive, j.run_id, j.candidate.id, j.split) is None]
        if not missing:
            return
        split = missing[0].split
        self._record_opening(missing, split, reason)
        missing = [judging for judging in missing if not self._taken_over(judging)]
        if not missing:
            return
        workloads = len(self.problem.workloads(split))
        designs = f"{len(missing)} design{'s' if len(missing) > 1 else ''}"
        self.say(f"measuring {designs} on {workloads} {split} workloads: {reason}")
        futures = {
            self.executor.submit(
                JudgeTask(
                    problem=self.run.problem,
                    candidate=j.candidate,
                    split=j.split,
                    sandbox=self.run.settings.sandbox,
                )
            ): j
            for j in missing
        }
        for future in as_completed(futures):
            self._store(futures[future], future.result())

    def _taken_over(self, judging: Judging) -> bool:
        """Store what another run of this very problem measured of the same candidate, if one did.

        Right because the judge of a policy is deterministic: measuring again would only pay again.
        """
        if self.problem.kind != "policy":
            return False
        for run in self.archive.runs():
            if run.problem != self.run.problem or run.problem_version != self.run.problem_version:
                continue
            record = judged_on(self.archive, run.id, judging.candidate.id, judging.split)
            if record is not None and record.evaluation.status is Status.OK:
                word = record.evaluation.model_copy(update={"cost": Cost(), "labels": ("taken over",)})
                self.archive.store_evaluation(judging.run_id, word, judging.purpose)
                return True
        return False

    def _record_opening(self, judgings: Sequence[Judging], split: Split, reason: str) -> None:
        if split == "train":
            return
        for run_id in dict.fromkeys(j.run_id for j in judgings):
            ids = [j.candidate.id for j in judgings if j.run_id == run_id]
            self.archive.add_opening(run_id, split, ids, reason)

    def _store(self, judging: Judging, evaluation: Evaluation) -> None:
        self.archive.store_evaluation(judging.run_id, evaluation, judging.purpose)
        if evaluation.status is not Status.OK:
            self.say(f"{judging.purpose} on {judging.split}: {evaluation.status}: {evaluation.detail[:200]}")
