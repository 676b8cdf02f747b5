"""A sitting of real runs: every design on every repetition's workloads, in turn, each repetition on a fresh testbed."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from speciate.agent import Archive, RunRecord
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    Censored,
    Evaluation,
    Place,
    Problem,
    ProblemRef,
    RealBed,
    RealTest,
    SandboxError,
    SpeciateError,
    Status,
    evaluator_of,
    sandbox_named,
)

from ._bench import read_candidate
from ._named import named
from ._real_rows import REAL, both, pairs_of, purpose_of


class Design(NamedTuple):
    """What is measured, what the user calls it, and the run whose record it is in, if any."""

    name: str
    candidate: Candidate
    run: RunRecord | None


class Sitting(NamedTuple):
    """What a sitting measured."""

    id: str
    words: dict[str, tuple[Evaluation, ...]]
    """One evaluation a repetition, by the design's name."""
    facts: tuple[dict[str, float | str], ...]
    """Of the testbed, one a repetition."""


def designs_of(words: Sequence[str], ref: ProblemRef, problem: Problem[Any], archive: Archive | None) -> list[Design]:
    """Return the designs that ``words`` name: baselines, files, or candidates of the archive.

    Raises SpeciateError for one that is none of these, that does not pass rung 1, or that is named twice.
    """
    baselines = {baseline.name: baseline.candidate for baseline in problem.baselines()}
    designs: list[Design] = []
    for word in words:
        name, candidate, run = word, baselines.get(word), None
        if candidate is None and Path(word).is_file():
            name, candidate = Path(word).stem.replace("_", "-"), read_candidate(Path(word), problem)
        if candidate is None:
            run, candidate = _archived(word, ref, archive)
            name = candidate.id[:12]
        unfit = evaluator_of(problem.kind).screen(problem, candidate)
        if unfit is not None:
            raise SpeciateError(f"{word}: {unfit}")
        if any(name == each.name or candidate.id == each.candidate.id for each in designs):
            raise SpeciateError(f"{word}: expected each design once, got it again")
        designs.append(Design(name, candidate, run or _recorded_in(archive, ref, candidate)))
    return designs


def _archived(word: str, ref: ProblemRef, archive: Archive | None) -> tuple[RunRecord, Candidate]:
    if archive is None:
        raise SpeciateError(f"{word}: expected a baseline's name, a file, or a candidate of a database (--db)")
    run, record = named(archive, word)
    if record is None:
        raise SpeciateError(f"{word}: expected a candidate, got a run; `speciate show {word}` names its champion")
    if run.problem != ref:
        told = [f"{each.name} with options {each.options or 'none'}" for each in (ref, run.problem)]
        raise SpeciateError(f"{word}: expected a candidate of {told[0]}, got one of {told[1]}")
    return run, record.candidate


def _recorded_in(archive: Archive | None, ref: ProblemRef, candidate: Candidate) -> RunRecord | None:
    """Return the newest run of the problem that has the design, as baselines that searches start from are."""
    for run in reversed(archive.runs() if archive is not None else []):
        if run.problem == ref:
            assert archive is not None
            try:
                archive.candidate(run.id, candidate.id)
            except SpeciateError:
                continue
            return run
    return None


def sitting_id() -> str:
    """Return a name for a sitting: when it began (UTC)."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime())


class Sitter:
    """Measures designs really.

    Args:
        problem: must have a ``RealTest``.
        designs: what is measured.
        sandbox: where candidates run; None for the best here.
        archive: where evaluations of designs that a run of it has are written, each as soon as it is measured.
        say: told, in a line, of each.
    """

    def __init__(
        self,
        problem: Problem[Any],
        designs: Sequence[Design],
        sandbox: str | None,
        archive: Archive | None,
        say: Callable[[str], None],
    ):
        test = problem.real()
        if test is None:
            raise SpeciateError(f"{problem.name} cannot be measured really: it has no testbed (Problem.real)")
        self.test: RealTest[Any] = test
        self.problem = problem
        self.designs = designs
        self._sandbox = sandbox_named(sandbox)
        self._archive = archive
        self._say = say

    def sit(self, sitting: str, repeats: int) -> Sitting:
        """Measure all designs ``repeats`` times. Raises SpeciateError where the testbed cannot be had or fails."""
        words: dict[str, list[Evaluation]] = {design.name: [] for design in self.designs}
        facts: list[dict[str, float | str]] = []
        try:
            for repetition in range(repeats):
                with self.test.open() as bed:
                    if not facts:
                        self._open_up(sitting)
                    # What a gap is worth depends on what else the machine does.
                    facts.append({**bed.facts, "load average": os.getloadavg()[0]})
                    for design in _turned(self.designs, repetition):
                        word = self._measure(bed, design, repetition)
                        self._keep(sitting, design, word, repetition)
                        words[design.name].append(word)
        except SandboxError as error:
            raise SpeciateError(f"the testbed or a sandbox failed: {error}; rows measured before are kept") from error
        return Sitting(sitting, {name: tuple(each) for name, each in words.items()}, tuple(facts))

    def _open_up(self, sitting: str) -> None:
        """Record, before it happens, for whom the workloads of real runs are opened."""
        if self._archive is None:
            return
        for run_id in sorted({design.run.id for design in self.designs if design.run is not None}):
            ids = [d.candidate.id for d in self.designs if d.run is not None and d.run.id == run_id]
            self._archive.add_opening(run_id, "heldout", ids, f"real runs, sitting {sitting}")

    def _measure(self, bed: RealBed[Any], design: Design, repetition: int) -> Evaluation:
        """Return the word on one design, measured really and simulated, in one fresh process of its sandbox."""
        workloads = self.test.workloads(repetition)
        limits = self.problem.limits.model_copy(update={"wall_s": self.test.wall_s, "cpu_s": self.test.wall_s})
        place = Place(limits.for_workloads(2 * len(workloads)), self._sandbox)
        told: dict[str, Any] = {"candidate": design.candidate.id, "split": "heldout", "labels": (REAL,)}
        told["sandbox"] = self._sandbox.name
        begun, measured = time.perf_counter(), []
        try:
            with evaluator_of(self.problem.kind).open(self.problem, design.candidate, place) as session:
                for workload in workloads:
                    really = bed.measure(session.subject, workload)
                    measured.append(both(really, bed.simulate(session.subject, workload)))
                spent = session.cost.model_copy(update={"wall_s": time.perf_counter() - begun})
        except CandidateFault as fault:
            cut = Censored(workload="", limit=fault.limit, after_s=fault.after_s) if fault.limit else None
            return Evaluation(status=fault.status, detail=fault.detail, censored=cut, **told)
        score = sum(m.objective for m in measured) / len(measured)
        return Evaluation(status=Status.OK, score=score, measurements=tuple(measured), cost=spent, **told)

    def _keep(self, sitting: str, design: Design, word: Evaluation, repetition: int) -> None:
        if self._archive is not None and design.run is not None:
            self._archive.store_evaluation(design.run.id, word, purpose_of(sitting), repetition=repetition)
        told = word.detail
        if word.status is Status.OK:
            ((real, simulated),) = pairs_of([word])
            told = f"{self.test.metrics[0]} {real:.4g} really, {simulated:.4g} simulated"
        self._say(f"{repetition + 1}: {design.name}: {word.status}: {told}")


def _turned(designs: Sequence[Design], repetition: int) -> list[Design]:
    """Return the designs in an order in which each stands elsewhere in every repetition, as far as they last."""
    first = repetition * max(1, len(designs) // 3) % len(designs)
    return [*designs[first:], *designs[:first]]
