"""Rung 5: how validation chooses the champion, and what may be said of that.

The judge measures the finalists on validation, but nobody is shown those scores: a finalist's gain over one
reference design, the baseline that is best on train, is asked of the problem's gate. Where the judge is noisy the
finalists are first measured again and again, within a stated budget, until the best is known; then the gate is
asked about that one only.
"""

from collections.abc import Sequence
from typing import Any

from speciate.agent import Archive, RunRecord
from speciate.agent._gates import ArchiveGate
from speciate.evaluators import Frozen, Problem, ProblemRef
from speciate.evaluators._gate import GateAnswer, GateSettings
from speciate.evaluators._selection import Selection

from ._judged import judged_on
from ._numbers import percent

FINALISTS = 5
"""Elites, best on train first, that validation chooses the champion from."""
REPETITIONS = 16
"""Validation evaluations a finalist, on average, that a noisy problem's champion may cost."""


GATE = GateSettings()


class Confirmation(Frozen):
    """What validation says of the champion, through the gate."""

    gain: float | None
    """Over the baseline that is best on train, as a share; None where the gate was not asked or is exhausted."""
    source: str
    """``train`` (both agree), ``validation`` (noised) or ``exhausted``."""
    margin: float | None
    confirmed: bool
    threshold: float
    noise: float
    queries: int
    """Asked so far about this problem, over all runs of the database."""
    query_budget: int
    disagreements: int
    """Of those, answered with a noised validation gain."""
    disagreement_budget: int
    evaluations: int
    """Validation evaluations that choosing took."""
    decided: bool | None
    """Whether intervals told the champion from the other finalists; None where the judge is not noisy."""

    @property
    def words(self) -> str:
        """The confirmation in a few sentences."""
        return " ".join([self._verdict, self._choice, self._budget])

    @property
    def _verdict(self) -> str:
        over = "over the baseline that is best on train"
        if self.gain is None:
            return (
                "Nothing is confirmed on validation: its gate is exhausted, so the champion is the design that is best "
                "on train; only new validation workloads (a new version of the problem) could confirm more."
            )
        if self.source == "train":
            agrees = f"validation agrees with train, {percent(self.gain)} {over}, within {self.threshold:.1%}"
            return (
                f"Confirmed: {agrees}." if self.confirmed else f"Not confirmed: {agrees}, which may be no gain at all."
            )
        told = f"train and validation do not agree; on validation, noised, the gain {over} is {percent(self.gain)}"
        return f"Confirmed: {told}." if self.confirmed else f"Not confirmed: {told}."

    @property
    def _choice(self) -> str:
        if self.decided is None:
            return f"{self.evaluations} validation evaluations chose among the finalists."
        how = "until intervals decided" if self.decided else "intervals did not decide, the best mean was taken"
        return f"The judge is noisy: {self.evaluations} validation evaluations chose among the finalists ({how})."

    @property
    def _budget(self) -> str:
        return (
            f"The gate has a threshold of {self.threshold:.1%} and noise of {self.noise:.2%}; over all runs of this "
            f"database it was asked {self.queries} of {self.query_budget} times and gave {self.disagreements} of "
            f"{self.disagreement_budget} validation answers."
        )


def gate_of(archive: Archive, run: RunRecord, problem: Problem[Any]) -> ArchiveGate:
    """Return the gate before the validation workloads of ``problem``, the run's.

    It goes by the problem's own name: a folder that is copied or called by another path is the same problem, with
    the same noise and no new budget.
    """
    named = ProblemRef(name=problem.name, options=run.problem.options)
    return ArchiveGate(archive, named, run.problem_version, GATE)


def gate_words(gate: ArchiveGate) -> str:
    """Return what an opening through the gate records: how much it gives away and what was asked before."""
    settings, state = gate.settings, gate.state()
    return (
        f"through the gate: threshold {settings.threshold:.1%}, noise {settings.noise:.2%}, asked {state.queries} of "
        f"{settings.queries} times before, {state.disagreements} of {settings.disagreements} validation answers given"
    )


def finalists_of(archive: Archive, run_id: str) -> list[str]:
    """Return the candidate ids of the finalists, best on train first."""
    return list(dict.fromkeys(elite.candidate_id for elite in archive.elites(run_id)))[:FINALISTS]


def selection_of(archive: Archive, run_id: str, finalists: Sequence[str], problem: Problem[Any]) -> Selection:
    """Return the selection among the finalists of a noisy problem as far as the rows go."""
    sign = -1.0 if problem.objective.direction == "maximize" else 1.0
    selection = Selection(len(finalists), REPETITIONS * len(finalists))
    while wave := selection.wanted():
        for pull in wave:
            record = judged_on(archive, run_id, finalists[pull.arm], "validation", pull.repetition)
            if record is None:
                return selection
            score = record.evaluation.score
            selection.tell(pull, None if score is None else sign * score)
    return selection


def confirmation_of(archive: Archive, run: RunRecord, problem: Problem[Any]) -> Confirmation | None:
    """Return what validation says of the run's champion; None before one was chosen on validation."""
    finalists = finalists_of(archive, run.id)
    if run.champion is None or run.champion not in finalists:
        return None
    gate = gate_of(archive, run, problem)
    answer = gate.answered(run.champion)
    if answer is None and not gate.exhausted():
        return None
    state, settings = gate.state(), gate.settings
    decided = selection_of(archive, run.id, finalists, problem).choice().decided if problem.noisy else None
    known = answer or GateAnswer(None, "exhausted", 0.0)
    return Confirmation(
        gain=known.gain,
        source=known.source,
        margin=known.margin if answer else None,
        confirmed=known.confirmed,
        threshold=settings.threshold,
        noise=settings.noise,
        queries=state.queries,
        query_budget=settings.queries,
        disagreements=state.disagreements,
        disagreement_budget=settings.disagreements,
        evaluations=len(archive.evaluations(run.id, purpose="champion")),
        decided=decided,
    )
