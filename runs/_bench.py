"""Judging outside a search: one design, all baselines, or the tuning of their constants."""

import json
import os
from collections.abc import Callable
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any, NamedTuple

from speciate.evaluators import (
    Baseline,
    Candidate,
    Evaluation,
    Executor,
    JudgeTask,
    LocalExecutor,
    Problem,
    ProblemRef,
    SourceFile,
    SpeciateError,
    Split,
    Status,
    Tuned,
    problem_of,
    sandbox_named,
    tune_baseline,
    worker_pool,
)

from ._censored import status_words
from ._heldout import gain_over
from ._numbers import interval, percent, quantity, table

CHEAP_CPU_S = 20.0
"""Expected CPU seconds up to which ``eval`` judges the baselines too."""


class JudgedBaseline(NamedTuple):
    """A baseline and the judge's word on it."""

    baseline: Baseline
    evaluation: Evaluation


class Bench:
    """A problem and somewhere to judge it. Use as a context: leaving it ends the judging processes.

    Raises ProblemError for an unknown problem and SandboxUnavailableError where there is no such sandbox.
    """

    def __init__(self, ref: ProblemRef, sandbox: str | None, workers: int | None):
        self.ref = ref
        self.problem = problem_of(ref)
        self.sandbox = sandbox_named(sandbox).name
        self.workers = workers or usable_cores()
        self._executor: Executor | None = None

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.close()

    def judge(self, candidate: Candidate, split: Split) -> Evaluation:
        """Return the judge's word on one design."""
        return self._all([candidate], split)[0]

    def judge_baselines(self, split: Split) -> list[JudgedBaseline]:
        """Return the baselines with the judge's word on each, best first, failures last."""
        baselines = self.problem.baselines()
        evaluations = self._all([baseline.candidate for baseline in baselines], split)
        judged = [JudgedBaseline(*pair) for pair in zip(baselines, evaluations, strict=True)]
        sign = 1.0 if self.problem.objective.direction == "minimize" else -1.0
        return sorted(judged, key=lambda each: _rank(each.evaluation.score, sign))

    def _all(self, candidates: list[Candidate], split: Split) -> list[Evaluation]:
        if self._executor is None:
            self._executor = LocalExecutor(self.workers)
        futures = [
            self._executor.submit(JudgeTask(problem=self.ref, candidate=c, split=split, sandbox=self.sandbox))
            for c in candidates
        ]
        return [future.result() for future in futures]


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0))


def read_candidate(path: Path, problem: Problem[Any]) -> Candidate:
    """Return the design in a file: what the seed is, with this text as its entry file.

    Raises SpeciateError where the file cannot be read as text.
    """
    seed = problem.seed()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"{path}: cannot be read: {error.strerror or error}"
        raise SpeciateError(f"{what}; expected a {seed.language.capitalize()} file") from error
    except UnicodeDecodeError as error:
        told = f"{path}: expected a {seed.language.capitalize()} file in UTF-8, got other bytes at {error.start}"
        raise SpeciateError(told) from error
    entry = SourceFile(path=seed.files[0].path, text=text)
    return Candidate(files=(entry, *seed.files[1:]), language=seed.language)


def write_text(path: Path, text: str) -> None:
    """Write a file. Raises SpeciateError where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SpeciateError(f"{path}: cannot be written: {error.strerror or error}; name another file") from error


def verdict_lines(bench: Bench, evaluation: Evaluation) -> list[str]:
    """Return an evaluation as text, with the baselines beside it where they are cheap."""
    unit = bench.problem.objective.unit
    rows = [
        (m.workload, quantity(m.objective, unit, 5), f"{m.cost.cpu_s:.2f}", str(m.cost.decisions))
        for m in evaluation.measurements
    ]
    header = ("workload", bench.problem.objective.name, "CPU s", "decisions")
    lines = [*table(header, rows, right=(1, 2, 3)), ""] if rows else []
    score = "" if evaluation.score is None else f", score {quantity(evaluation.score, digits=6)}"
    where = f"sandbox {evaluation.sandbox or 'not reached'}"
    lines.append(f"{status_words(evaluation)} on {evaluation.split}{score} ({where})")
    lines += [evaluation.detail] if evaluation.detail else []
    if evaluation.descriptors:
        lines.append(", ".join(f"{name} {value:.3g}" for name, value in evaluation.descriptors.items()))
    if evaluation.status is not Status.OK:
        return lines
    expected_cpu_s = evaluation.cost.cpu_s * len(bench.problem.baselines())
    if expected_cpu_s > CHEAP_CPU_S:
        hint = f"speciate baselines {bench.ref.name} --split {evaluation.split}"
        return [*lines, f"baselines not judged (about {expected_cpu_s:.0f} CPU s): {hint}"]
    return [*lines, "", *baseline_lines(bench, bench.judge_baselines(evaluation.split), evaluation)]


def baseline_lines(bench: Bench, judged: list[JudgedBaseline], ours: Evaluation | None = None) -> list[str]:
    """Return the baselines as a table; with ``ours`` also its gain over each, paired by seed."""
    rows = []
    for baseline, evaluation in judged:
        gain = ""
        if ours is not None and evaluation.status is Status.OK:
            paired = gain_over(
                bench.problem,
                bench.problem.workloads(ours.split),
                [ours.measurements],
                [evaluation.measurements],
            )
            gain = f"{percent(paired.gain)} {interval(paired.low, paired.high)}" if paired else ""
        score = "" if evaluation.score is None else quantity(evaluation.score, digits=5)
        rows.append((baseline.name, score, str(evaluation.status), gain, baseline.title))
    header = ("baseline", "score", "status", "gain over it, 95 %" if ours else "", "what it is")
    return table(header, rows, right=(1,))


def baselines_json(judged: list[JudgedBaseline]) -> str:
    """Return the judged baselines as a JSON array."""
    facts = [
        {
            "name": baseline.name,
            "title": baseline.title,
            "source": baseline.source,
            "control": baseline.control,
            "code": baseline.candidate.source,
            "evaluation": evaluation.model_dump(mode="json"),
        }
        for baseline, evaluation in judged
    ]
    return json.dumps(facts, indent=2)


def tuned(
    ref: ProblemRef, evaluations: int, seed: int, workers: int | None, say: Callable[[str], None]
) -> dict[str, Tuned]:
    """Tune every baseline with ``evaluations`` judgings each and return what was chosen, in the problem's order.

    Baselines are the problem's own, trusted code and are judged without a sandbox, one process a core.
    ``say`` is told of each as it is done.
    """
    names = [baseline.name for baseline in problem_of(ref).baselines()]
    chosen: dict[str, Tuned] = {}
    with worker_pool(workers or usable_cores()) as pool:
        futures = {pool.submit(tune_baseline, ref, name, evaluations, seed): name for name in names}
        for future in as_completed(futures):
            name, choice = futures[future], future.result()
            chosen[name] = choice
            values = ", ".join(f"{key} {value:g}" for key, value in choice.values.items()) or "no constants"
            say(f"{name}: score {quantity(choice.score, digits=6)} after {choice.evaluations} evaluations: {values}")
    return {name: chosen[name] for name in names}


def _rank(score: float | None, sign: float) -> tuple[bool, float]:
    return score is None, 0.0 if score is None else sign * score
