"""From a searched run to evidence: the champion chosen on validation, then held-out opened for the report.

Everything measured becomes a row at once, and a row that exists is not measured again, so a verdict that was
interrupted goes on where it stopped. Openings are recorded before the workloads are used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import as_completed
from typing import Any, NamedTuple

from speciate.agent import Archive, EvaluationRecord, RunRecord
from speciate.agent._gates import Question
from speciate.evaluators import Baseline, Candidate, Cost, Evaluation, Executor, JudgeTask, Problem, Split, Status

from ._arms import controls_of
from ._confirmation import REPETITIONS, finalists_of, gate_of, gate_words, selection_of
from ._judged import judged_on, score_on

NOISY_REPETITIONS = 8
"""Evaluations of each design on held-out, and of the reference on train and validation, where the problem is noisy."""
REFERENCE_SPLITS: tuple[Split, ...] = ("train", "validation")
RIVALS = 3
"""Tuned baselines, best on validation first, that are measured on held-out."""


class Judging(NamedTuple):
    """A measurement to be made and what it is for."""

    run_id: str
    candidate: Candidate
    split: Split
    purpose: str
    repetition: int = 0


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
        self.gate = gate_of(archive, run, problem)

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
        wanted += [
            Judging(self.run.id, each.candidate, "heldout", f"expert:{each.name}") for each in self.problem.experts()
        ]
        arms_too = " and the control arm" + "s" * (len(controls) > 1) if controls else ""
        wanted = [each for judging in wanted for each in self._repeated(judging)]
        self._measure(wanted, f"the report: champion against the best tuned baselines{arms_too}")

    def _choose(self, run_id: str) -> str | None:
        """Return the candidate that validation prefers among the finalists, and record it as champion.

        A champion stays what it is while the finalists are those that it was chosen from.
        """
        finalists = finalists_of(self.archive, run_id)
        known = self.archive.run(run_id).champion
        if known in finalists and all(judged_on(self.archive, run_id, each, "validation") for each in finalists):
            return known
        scores = self._validated(run_id, finalists)
        if not scores:
            return None
        champion = self._through_gate(run_id, scores)
        self.archive.set_champion(run_id, champion)
        return champion

    def _validated(self, run_id: str, finalists: Sequence[str]) -> dict[str, float]:
        """Return the minimised validation scores of those that may become champion, best on train first."""
        reason = f"to choose the champion of {run_id} among its best elites, {gate_words(self.gate)}"
        if not self.problem.noisy:
            self._measure([self._finalist(run_id, each, 0) for each in finalists], reason)
            found = {each: self._score(run_id, each, "validation") for each in finalists}
            return {each: score for each, score in found.items() if score is not None}
        if not finalists:
            return {}
        budget = f", at most {REPETITIONS * len(finalists)} evaluations as the judge is noisy"
        selection = selection_of(self.archive, run_id, finalists, self.problem)
        while wave := selection.wanted():
            first = wave[0].repetition == 0
            self._measure(
                [self._finalist(run_id, finalists[pull.arm], pull.repetition) for pull in wave],
                reason + budget if first else None,
            )
            selection = selection_of(self.archive, run_id, finalists, self.problem)
            if set(selection.wanted()) & set(wave):
                break  # Our own sandbox failed: the best so far is taken.
        choice = selection.choice()
        mean = None if choice.arm is None else choice.means[choice.arm]
        return {} if choice.arm is None or mean is None else {finalists[choice.arm]: mean}

    def _finalist(self, run_id: str, candidate_id: str, repetition: int) -> Judging:
        candidate = self.archive.candidate(run_id, candidate_id).candidate
        return Judging(run_id, candidate, "validation", "champion", repetition)

    def _through_gate(self, run_id: str, scores: Mapping[str, float]) -> str:
        """Return the design whose gain over the reference is best by the gate's word; best on train without one."""
        first = next(iter(scores))
        reference = self._reference()
        if reference is None:
            self.say("no baseline and no seed was judged ok: nothing can be confirmed on validation")
            return first
        gains: dict[str, float] = {}
        for candidate_id, validation in scores.items():
            train = self._score(run_id, candidate_id, "train")
            if train is None:
                continue
            asked = Question(run_id, candidate_id, _gain(reference[0], train), _gain(reference[1], validation))
            answer = self.gate.ask(asked)
            if answer.gain is not None:
                gains[candidate_id] = answer.gain
        if not gains:
            self.say("the gate before the validation workloads is exhausted: nothing is confirmed on validation")
        return max(gains, key=gains.__getitem__) if gains else first

    def _reference(self) -> tuple[float, float] | None:
        """Return the minimised train and validation scores of the baseline that is best on train, else of the seed."""
        contenders = [baseline for baseline in self.problem.baselines() if not baseline.control]
        self._judge_baselines(contenders, "train")
        best = self._best(contenders, "train", 1)
        candidate = best[0].candidate if best else self.problem.seed()
        purpose = f"baseline:{best[0].name}" if best else "reference"
        for split in REFERENCE_SPLITS:
            wanted = self._repeated(Judging(self.run.id, candidate, split, purpose))
            self._measure(wanted, "to know what the finalists are compared with")
        train, validation = (self._score(self.run.id, candidate.id, split) for split in REFERENCE_SPLITS)
        return None if train is None or validation is None else (train, validation)

    def _repeated(self, judging: Judging) -> list[Judging]:
        """Return the judging as often as a noisy problem needs it."""
        return [judging._replace(repetition=i) for i in range(NOISY_REPETITIONS if self.problem.noisy else 1)]

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
        """Return the minimised mean score of finished ``ok`` evaluations."""
        score = score_on(self.archive, run_id, candidate_id, split)
        return None if score is None else score * (-1.0 if self.problem.objective.direction == "maximize" else 1.0)

    def _known(self, judging: Judging, run_id: str | None = None) -> EvaluationRecord | None:
        run_id = run_id or judging.run_id
        return judged_on(self.archive, run_id, judging.candidate.id, judging.split, judging.repetition)

    def _measure(self, judgings: Iterable[Judging], reason: str | None) -> None:
        """Make the measurements that have no row yet; without a reason it is part of an opening recorded before."""
        unique = {(j.run_id, j.candidate.id, j.split, j.repetition): j for j in judgings}
        missing = [judging for judging in unique.values() if self._known(judging) is None]
        if not missing:
            return
        split = missing[0].split
        if reason is not None:
            self._record_opening(missing, split, reason)
        missing = [judging for judging in missing if not self._taken_over(judging)]
        if not missing:
            return
        if reason is not None:
            count = len({(j.run_id, j.candidate.id) for j in missing})
            designs = f"{count} design{'s' if count > 1 else ''}"
            self.say(f"measuring {designs} on {len(self.problem.workloads(split))} {split} workloads: {reason}")
        futures = {
            self.executor.submit(
                JudgeTask(
                    problem=self.run.problem,
                    candidate=j.candidate,
                    split=j.split,
                    sandbox=self.run.settings.sandbox,
                    repetition=j.repetition,
                )
            ): j
            for j in missing
        }
        for future in as_completed(futures):
            self._store(futures[future], future.result())

    def _taken_over(self, judging: Judging) -> bool:
        """Store what another run of this very problem measured of the same candidate, if one did.

        Right where measuring is deterministic: measuring again would only pay again.
        """
        if self.problem.noisy:
            return False
        for run in self.archive.runs():
            if run.problem != self.run.problem or run.problem_version != self.run.problem_version:
                continue
            record = self._known(judging, run.id)
            if record is not None and record.evaluation.status is Status.OK:
                word = record.evaluation.model_copy(update={"cost": Cost(), "labels": ("taken over",)})
                self.archive.store_evaluation(judging.run_id, word, judging.purpose)
                return True
        return False

    def _record_opening(self, judgings: Sequence[Judging], split: Split, reason: str) -> None:
        if split == "train":
            return
        for run_id in dict.fromkeys(j.run_id for j in judgings):
            ids = list(dict.fromkeys(j.candidate.id for j in judgings if j.run_id == run_id))
            self.archive.add_opening(run_id, split, ids, reason)

    def _store(self, judging: Judging, evaluation: Evaluation) -> None:
        self.archive.store_evaluation(judging.run_id, evaluation, judging.purpose, repetition=judging.repetition)
        if evaluation.status is not Status.OK:
            self.say(f"{judging.purpose} on {judging.split}: {evaluation.status}: {evaluation.detail[:200]}")


def _gain(reference: float, score: float) -> float:
    """Return the gain of a minimised score over the reference's, as a share of it."""
    return (reference - score) / (abs(reference) or 1.0)
