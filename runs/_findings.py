"""What a run found, as data: every number of the report, computed from the archive's rows.

The HTML page, the Markdown twin and ``--json`` are three renderings of one ``Findings``.
"""

import math
from collections.abc import Sequence
from typing import Any

from speciate.agent import Archive, OpeningRecord, RunRecord
from speciate.evaluators import Candidate, Frozen, Measurement, Problem, Split, Status
from speciate.evaluators._command import LABEL

from ._alarms import Alarm, alarms_of
from ._arms import arm_of, controls_of
from ._built import built_words
from ._censored import censored_words, status_words
from ._claim import Evidence, claim_words, evidence_over
from ._commands import commands_for
from ._confirmation import Confirmation, confirmation_of
from ._curve import Point, curve_of
from ._dedupe import Dedupe, dedupe_of
from ._dynamics import Dynamics, dynamics_of
from ._front import Fronts, fronts_of
from ._grid import Grid, grid_of
from ._heldout import (
    Gain,
    Group,
    HeldoutWorkload,
    Metric,
    averaged,
    gain_over,
    groups_of,
    metric_rows,
    workload_rows,
)
from ._insights import Learnt, learnt
from ._judged import judged_all, judged_on, score_on
from ._lessons import Lessons, lessons_of
from ._model_usage import price_words
from ._novelty import Novelty, novelty_of
from ._numbers import interval, percent, quantity
from ._racing import Racing, racing_of
from ._remeasured import remeasured_words
from ._speedup import Speedup, speedup_words, speedups_of
from ._spent import Spent, spent
from ._tried import tried_words
from ._tuned import tuning_words

SPLITS: tuple[Split, ...] = ("train", "validation", "heldout")


class Design(Frozen):
    """A design with its scores on the three splits; None where it was not measured."""

    name: str
    title: str
    candidate_id: str
    source: str = ""
    """Where a baseline is from."""
    control: bool = False
    tuned_evaluations: int | None = None
    """Judgings that tuning a baseline's constants took; None where there is nothing to tune, or it is not known."""
    train: float | None = None
    validation: float | None = None
    heldout: float | None = None
    objective: float | None = None
    """Mean objective over the held-out workloads, in its unit."""
    status: str = ""
    """Of the held-out evaluation, or of the last one there is."""
    gain: Gain | None = None
    """Of the champion over this design; None where either has no held-out score."""


class Champion(Frozen):
    """The design chosen on validation, and its code."""

    design: Design
    ticket: int
    operator: str
    proposer: str
    idea: str
    rationale: str = ""
    """Like the two below in its author's words: untrusted text."""
    hypothesis: str = ""
    insight: str = ""
    path: str
    code: str
    """Untrusted text."""
    language: str = "python"
    labels: tuple[str, ...] = ()
    """Of its evaluations: ``in-process`` where the figures come from a benchmark that it could have forged."""
    novelty: Novelty


class Opened(Frozen):
    """One recorded opening of workloads that the search may not see."""

    split: str
    designs: int
    reason: str
    opened_at: float


class Control(Frozen):
    """A control arm: the same search with less than the run has."""

    arm: str
    """``random``, ``best-of-n`` or ``no-archive``."""
    run_id: str
    state: str
    cost: Spent
    curve: tuple[Point, ...]
    design: Design | None


class Findings(Frozen):
    """Everything the report says."""

    run_id: str
    problem: str
    problem_title: str
    problem_version: str
    problem_options: dict[str, str]
    state: str
    reason: str
    seed: int
    proposer: str
    models: tuple[str, ...]
    prices: dict[str, str]
    """By model, in words: what its tokens were charged at."""
    created_at: float
    environment: dict[str, str]
    objective: str
    unit: str
    minimize: bool
    claim: str
    """The claim, or why there is none, in a few sentences."""
    claimed: bool
    """Whether the champion is better than every tuned baseline measured on held-out, with intervals above zero."""
    evidence: Evidence
    confirmation: Confirmation | None
    """What validation says of the champion; None before one was chosen there."""
    champion: Champion | None
    baselines: tuple[Design, ...]
    """Best first: by held-out score, then validation, then train."""
    marks: tuple[Design, ...] = ()
    """Experts' designs that no proposer was shown. They are no rivals of the claim: the champion may lose to them."""
    best_baseline: Design | None
    """Best on held-out of those that are contenders."""
    speedups: tuple[Speedup, ...] = ()
    """Of a kernel: over the best known form, then over each mark. Empty for every other kind."""
    tuning: str
    """How the baselines were tuned, and whether the champion's budget was larger."""
    controls: tuple[Control, ...]
    workloads: tuple[HeldoutWorkload, ...]
    groups: tuple[Group, ...]
    metrics: tuple[Metric, ...]
    outcomes: dict[str, int]
    dedupe: Dedupe
    racing: Racing | None
    """None for a run without racing."""
    notes: tuple[str, ...]
    """Sentences on experiments, on what fresh repetitions decided under noise, and on what a deadline cut off."""
    insights: tuple[Learnt, ...] = ()
    """What the researchers wrote down; empty for a run without."""
    lessons: Lessons | None = None
    """What changes led to; None where there is nothing to tell."""
    alarms: tuple[Alarm, ...]
    """Of the run and of its control arms."""
    cost: Spent
    grid: Grid
    curve: tuple[Point, ...]
    dynamics: Dynamics
    fronts: Fronts | None = None
    """None where the problem has one objective."""
    openings: tuple[Opened, ...]
    commands: dict[str, str]
    """What to type to do it again, by purpose."""


def findings_of(archive: Archive, run: RunRecord, problem: Problem[Any]) -> Findings:
    """Return what ``run`` of ``problem`` found so far. Reads only."""
    book = _Book(archive, run, problem)
    champion = book.champion()
    baselines = book.baselines()
    best = next((design for design in baselines if not design.control and design.heldout is not None), None)
    controls = book.controls()
    workloads, groups, metrics = book.comparison(best, baselines, controls)
    claim, evidence = _claim(problem, champion, baselines, controls)
    cost = spent(archive, run.id)
    arms = [run, *(archive.run(control.run_id) for control in controls)]
    return Findings(
        run_id=run.id,
        problem=run.problem.name,
        problem_title=problem.title,
        problem_version=run.problem_version,
        problem_options=run.problem.options,
        state=run.state,
        reason=run.reason,
        seed=run.seed,
        proposer=run.settings.proposer,
        models=tuple(model.name for model in run.settings.models),
        prices={model.name: price_words(model) for model in run.settings.models},
        created_at=run.created_at,
        environment=dict(run.environment),
        objective=problem.objective.name,
        unit=problem.objective.unit,
        minimize=problem.objective.direction == "minimize",
        claim=claim + speedup_words(book.speedups()),
        claimed=evidence.claimed,
        evidence=evidence,
        confirmation=confirmation_of(archive, run, problem),
        champion=champion,
        baselines=tuple(baselines),
        marks=book.marks(),
        best_baseline=best,
        speedups=book.speedups(),
        tuning=tuning_words(problem.baselines(), cost.evaluations),
        controls=controls,
        workloads=workloads,
        groups=groups,
        metrics=metrics,
        outcomes=archive.counts(run.id),
        dedupe=dedupe_of(archive, run.id),
        racing=racing_of(archive, run, len(problem.workloads("train"))),
        notes=(
            *tried_words(cost, len(problem.workloads("train"))),
            *remeasured_words(archive, run.id),
            *censored_words(archive, run.id),
            *built_words(archive, run.id),
        ),
        insights=learnt(archive, run.id, minimize=problem.objective.direction == "minimize"),
        lessons=lessons_of(archive, run),
        alarms=tuple(alarm for each in arms for alarm in alarms_of(archive, each, problem)),
        cost=cost,
        grid=grid_of(problem, archive.elites(run.id), run.settings.archive),
        curve=curve_of(archive.progress(run.id)),
        dynamics=dynamics_of(archive, run),
        fronts=fronts_of(archive, run, problem),
        openings=tuple(_opened(record) for record in archive.openings(run.id)),
        commands=commands_for(run, arms[1:], archive.database.name, champion.path if champion else "champion.py"),
    )


class _Book:
    """The rows of one run, opened at the pages a report needs."""

    def __init__(self, archive: Archive, run: RunRecord, problem: Problem[Any]):
        self.archive = archive
        self.run = run
        self.problem = problem
        self.heldout = problem.workloads("heldout")
        self.ours = self._repeated(run.id, run.champion) if run.champion else ()

    def champion(self) -> Champion | None:
        if self.run.champion is None:
            return None
        record = self.archive.candidate(self.run.id, self.run.champion)
        design = self._design(self.run.id, "champion", "champion", record.candidate)
        # Its own validation score stays behind the gate; what may be said of it is the confirmation.
        return Champion(
            design=design.model_copy(update={"validation": None}),
            ticket=record.ticket,
            operator=record.candidate.operator,
            proposer=record.candidate.proposer,
            idea=record.idea,
            **record.reasons._asdict(),
            path=record.candidate.files[0].path,
            code=record.candidate.source,
            language=record.candidate.language,
            labels=self._labels(record.candidate.id),
            novelty=novelty_of(record.candidate, self.problem.baselines()),
        )

    def _labels(self, candidate_id: str) -> tuple[str, ...]:
        found = self.archive.evaluations(self.run.id, candidate_id=candidate_id)
        return tuple(sorted({label for record in found for label in record.evaluation.labels}))

    def baselines(self) -> list[Design]:
        designs = []
        for baseline in self.problem.baselines():
            design = self._design(self.run.id, baseline.name, baseline.title, baseline.candidate)
            gain = self._gain(self._repeated(self.run.id, baseline.candidate.id))
            told = {"source": baseline.source, "control": baseline.control, "gain": gain}
            told["tuned_evaluations"] = baseline.tuned_evaluations
            designs.append(design.model_copy(update=told))
        return sorted(designs, key=lambda design: _rank(design, self.problem))

    def marks(self) -> tuple[Design, ...]:
        return tuple(
            self._design(self.run.id, each.name, each.title, each.candidate).model_copy(
                update={"source": each.source, "gain": self._gain(self._repeated(self.run.id, each.candidate.id))}
            )
            for each in self.problem.experts()
        )

    def speedups(self) -> tuple[Speedup, ...]:
        experts = {each.name: self._repeated(self.run.id, each.candidate.id) for each in self.problem.experts()}
        return speedups_of(self.problem, self.ours, experts)

    def controls(self) -> tuple[Control, ...]:
        return tuple(self._control(run) for run in controls_of(self.archive, self.run.id))

    def _control(self, run: RunRecord) -> Control:
        arm, design = arm_of(run.settings), None
        if run.champion is not None:
            candidate = self.archive.candidate(run.id, run.champion).candidate
            design = self._design(run.id, f"{arm} control", f"champion of the {arm} control arm", candidate)
            gain = self._gain(self._repeated(run.id, candidate.id))
            design = design.model_copy(update={"control": True, "gain": gain, "validation": None})
        return Control(
            arm=arm,
            run_id=run.id,
            state=run.state,
            cost=spent(self.archive, run.id),
            curve=curve_of(self.archive.progress(run.id)),
            design=design,
        )

    def comparison(
        self, best: Design | None, designs: Sequence[Design], controls: Sequence[Control]
    ) -> tuple[tuple[HeldoutWorkload, ...], tuple[Group, ...], tuple[Metric, ...]]:
        theirs = self._measured(self.run.id, best.candidate_id) if best else ()
        ours = averaged(self.ours)
        rows = workload_rows(self.problem, self.heldout, ours, theirs)
        measured = {"champion": ours}
        measured |= {design.name: self._measured(self.run.id, design.candidate_id) for design in designs}
        for control in controls:
            if control.design is not None:
                measured[control.design.name] = self._measured(control.run_id, control.design.candidate_id)
        return rows, groups_of(rows, measured), metric_rows(ours, theirs)

    def _design(self, run_id: str, name: str, title: str, candidate: Candidate) -> Design:
        found = [judged_on(self.archive, run_id, candidate.id, split) for split in SPLITS]
        train, validation, heldout = (score_on(self.archive, run_id, candidate.id, split) for split in SPLITS)
        measured = self._measured(run_id, candidate.id)
        return Design(
            name=name,
            title=title,
            candidate_id=candidate.id,
            train=train,
            validation=validation,
            heldout=heldout,
            objective=math.fsum(m.objective for m in measured) / len(measured) if measured else None,
            status=next((status_words(record.evaluation) for record in reversed(found) if record), ""),
        )

    def _measured(self, run_id: str, candidate_id: str) -> tuple[Measurement, ...]:
        """Return held-out measurements, averaged over repetitions, empty unless all evaluations are ``ok``."""
        return averaged(self._repeated(run_id, candidate_id))

    def _repeated(self, run_id: str, candidate_id: str) -> tuple[tuple[Measurement, ...], ...]:
        """Return the held-out measurements of each repetition, empty unless all evaluations are ``ok``."""
        found = judged_all(self.archive, run_id, candidate_id, "heldout")
        good = all(record.evaluation.status is Status.OK for record in found)
        return tuple(record.evaluation.measurements for record in found) if good else ()

    def _gain(self, theirs: Sequence[Sequence[Measurement]]) -> Gain | None:
        return gain_over(self.problem, self.heldout, self.ours, theirs)


def _rank(design: Design, problem: Problem[Any]) -> tuple[float, ...]:
    sign = 1.0 if problem.objective.direction == "minimize" else -1.0
    scores = (design.heldout, design.validation, design.train)
    return tuple(math.inf if score is None else sign * score for score in scores)


def _opened(record: OpeningRecord) -> Opened:
    return Opened(split=record.split, designs=len(record.candidates), reason=record.reason, opened_at=record.opened_at)


def _claim(
    problem: Problem[Any], champion: Champion | None, baselines: Sequence[Design], controls: Sequence[Control]
) -> tuple[str, Evidence]:
    """Return the claim's sentences and the evidence of the champion over all its rivals."""
    contenders = [design for design in baselines if not design.control and design.heldout is not None]
    evidence = evidence_over({design.name: design.gain for design in contenders if design.gain is not None})
    if champion is None:
        return "Nothing was found: no champion has been chosen.", evidence
    if champion.design.heldout is None:
        return f"No claim: the champion was not measured on held-out ({champion.design.status}).", evidence
    best = contenders[0] if contenders else None
    if best is None or best.gain is None:
        return "No claim: no tuned baseline was measured on at least two held-out seeds.", evidence
    ours, theirs = (quantity(each.objective, problem.objective.unit) for each in (champion.design, best))
    claim = claim_words(problem, ours, (best.name, theirs, best.gain), evidence)
    for control in controls:
        against = control.design.gain if control.design else None
        if against is not None:
            claim += (
                f" Over the {control.arm} control arm ({control.cost.evaluations} evaluations): "
                f"{percent(against.gain)} {interval(against.low, against.high)}."
            )
    if LABEL in champion.labels:
        claim += (
            " Label in-process: the benchmark shares its processes with the candidate, which could have forged these "
            "figures; read the code before believing them."
        )
    return claim, evidence
