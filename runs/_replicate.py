"""An archived design judged again from its record: the same figures, or where they part."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from speciate.agent import EXPERIMENT, Archive, RunRecord
from speciate.evaluators import (
    Candidate,
    Evaluation,
    Executor,
    Frozen,
    JudgeTask,
    Measurement,
    Problem,
    ProblemError,
    SpeciateError,
    Split,
    Status,
    problem_of,
)
from speciate.evaluators._contract import repeatable

from ._findings import SPLITS
from ._named import named
from ._real_rows import is_real
from ._search import environment_of

REPETITIONS = 5
"""Most judgings of a noisy problem's design on one split."""
ERROR = 0.05
"""How often a faithful replication of a noisy measurement is said to part, over all its workloads together."""
_CUT_OFF = (Status.TIMEOUT, Status.OOM, Status.SANDBOX_ERROR)
"""Faults that may come a workload sooner or later on another machine."""


class Subject(NamedTuple):
    """A design and the run that has its record."""

    run: RunRecord
    candidate: Candidate
    name: str
    """How the user knows it: a baseline's name, or the beginning of its id."""


class Parting(Frozen):
    """One figure that is not what was recorded."""

    workload: str
    """Empty for a figure of the whole split."""
    figure: str
    """``status``, ``objective``, ``metric p99_s``, ..."""
    recorded: str
    found: str

    @property
    def words(self) -> str:
        """The parting in a line."""
        place = f"{self.workload}, {self.figure}" if self.workload else self.figure
        return f"{place}: recorded {self.recorded}, now {self.found}"


class Replica(Frozen):
    """What became of one split."""

    split: str
    status: str
    """As recorded."""
    rule: str
    """``to the bit``, or ``within the interval`` where measurements are noisy."""
    workloads: int
    """Measured then and now."""
    figures: int
    """Compared."""
    partings: tuple[Parting, ...]
    note: str = ""

    @property
    def words(self) -> str:
        """The outcome in a line."""
        told = f"{self.figures} figures on {self.workloads} workloads, status {self.status}"
        note = f" ({self.note})" if self.note else ""
        if not self.partings:
            return f"{self.split}: replicated {self.rule}: {told}{note}"
        more = f" (and {len(self.partings) - 1} more of {told})" if len(self.partings) > 1 else f" ({told})"
        return f"{self.split}: PARTS at {self.partings[0].words}{more}{note}"


class Replication(Frozen):
    """Everything a replication says."""

    run_id: str
    problem: str
    candidate_id: str
    name: str
    replicated: bool
    splits: tuple[Replica, ...]
    changed: dict[str, tuple[str, str]]
    """What of the environment is not as the run recorded it: then and now."""

    @property
    def lines(self) -> list[str]:
        """The outcome as text."""
        told = [f"{self.name}: candidate {self.candidate_id} of run {self.run_id} ({self.problem})"]
        told += [replica.words for replica in self.splits]
        if self.changed:
            told.append("environment: " + "; ".join(f"{k} {a} then, {b} now" for k, (a, b) in self.changed.items()))
        elif not self.replicated:
            told.append("environment: as the run recorded it (problem version, speciate, Python, platform, sandbox)")
        return told


def subject_of(archive: Archive, text: str, run: RunRecord | None) -> Subject:
    """Return the design that ``text`` names: id or how it begins, ``RUN/TICKET``, or a baseline's name.

    Without ``run`` the newest run that has it is meant.

    Raises:
        SpeciateError: nothing is named so, several are, or the record lacks its code.
    """
    runs = [run] if run is not None else list(reversed(archive.runs()))
    for each in runs:
        rows = archive.evaluations(each.id, purpose=f"baseline:{text}")
        if rows:
            return Subject(each, _source(archive, each, text, rows[0].evaluation.candidate), text)
    try:
        found, candidate = _candidate(archive, text, run)
    except SpeciateError:
        subject = next(filter(None, (_started_from(archive, each, text) for each in runs)), None)
        if subject is None:
            raise
        return subject
    return Subject(found, candidate, candidate.id[:12])


def _candidate(archive: Archive, text: str, run: RunRecord | None) -> tuple[RunRecord, Candidate]:
    if run is not None:
        return run, archive.candidate(run.id, text).candidate
    found, record = named(archive, text)
    if record is None:
        champion = f"its champion is {found.champion[:12]}" if found.champion else "it has no champion yet"
        raise SpeciateError(f"expected a candidate or a baseline, got the run {found.id}: {champion}")
    return found, record.candidate


def _started_from(archive: Archive, run: RunRecord, name: str) -> Subject | None:
    """Return the baseline called ``name`` where the run only has it among the designs it started from."""
    try:
        candidates = [each.candidate for each in problem_of(run.problem).baselines() if each.name == name]
    except ProblemError:
        return None
    if not candidates or not archive.evaluations(run.id, candidate_id=candidates[0].id):
        return None
    return Subject(run, candidates[0], name)


def _source(archive: Archive, run: RunRecord, name: str, candidate_id: str) -> Candidate:
    """Return a baseline's code as it was judged."""
    try:
        return archive.candidate(run.id, candidate_id).candidate
    except SpeciateError:
        pass  # It was judged beside the search, so only the problem has its code.
    for baseline in problem_of(run.problem).baselines():
        if baseline.candidate.id == candidate_id:
            return baseline.candidate
    raise SpeciateError(
        f"run {run.id} measured {name} as candidate {candidate_id[:12]}, and neither its record nor the problem has "
        "that code now: the baseline was changed since; replicate it with the version of the problem that made the run"
    )


def replicate(
    archive: Archive, subject: Subject, executor: Executor, splits: Sequence[Split] = (), sandbox: str | None = None
) -> Replication:
    """Judge a design again as its run did, and compare every figure with the record. Writes nothing but openings.

    Args:
        archive: holds the record.
        subject: what is judged again.
        executor: judges.
        splits: which workloads; empty means all it was measured on.
        sandbox: another one than the run's.

    Raises:
        SpeciateError: it was not measured on a wanted split, or the problem or sandbox cannot be had.
    """
    run, candidate = subject.run, subject.candidate
    problem = problem_of(run.problem)
    sandbox = sandbox or run.settings.sandbox
    environment = environment_of(sandbox)
    recorded = {split: _recorded(archive, run.id, candidate.id, split, fresh=problem.noisy) for split in SPLITS}
    wanted = tuple(splits) or tuple(split for split in SPLITS if recorded[split])
    for split in wanted or SPLITS[:1]:
        if not recorded[split]:
            known = ", ".join(each for each in SPLITS if recorded[each]) or "no split"
            raise SpeciateError(f"{subject.name} has a finished evaluation on {known} in run {run.id}, not on {split}")
    replicas = []
    for split in wanted:
        if split != "train":
            archive.add_opening(run.id, split, [candidate.id], f"replication of {subject.name}")
        task = JudgeTask(problem=run.problem, candidate=candidate, split=split, sandbox=sandbox)
        count = max(2, min(len(recorded[split]), REPETITIONS)) if problem.noisy else 1
        tasks = [task.model_copy(update={"repetition": repetition}) for repetition in range(count)]
        found = [executor.submit(each).result() for each in tasks]
        replicas.append(_compared(problem, split, recorded[split], found))
    then = {**run.environment, "problem version": run.problem_version}
    return Replication(
        run_id=run.id,
        problem=run.problem.name,
        candidate_id=candidate.id,
        name=subject.name,
        replicated=not any(replica.partings for replica in replicas),
        splits=tuple(replicas),
        changed=_changed(then, {**environment, "problem version": problem.version}),
    )


def _recorded(archive: Archive, run_id: str, candidate_id: str, split: Split, *, fresh: bool) -> list[Evaluation]:
    """Return the finished evaluations on ``split``: its own, or else a reused one.

    With ``fresh`` the one by which the search found the design is left out where there are others: among many
    noisy ones it stood out, so it flatters.
    """
    rows = archive.evaluations(run_id, candidate_id=candidate_id, split=split)
    rows = [row for row in rows if row.purpose != EXPERIMENT and not is_real(row)]
    rows = [row for row in rows if row.purpose != "search"] or rows if fresh else rows
    words = [row.evaluation for row in rows if row.evaluation.status is not Status.SANDBOX_ERROR]
    own = [word for word in words if word.status is not Status.DUPLICATE]
    return own or [word for word in words if word.score is not None][:1]


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = [name for name in {**now, **then} if name != "cores"]
    pairs = {name: (then.get(name, "not recorded"), now.get(name, "none")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _compared(
    problem: Problem[Any], split: Split, recorded: Sequence[Evaluation], found: Sequence[Evaluation]
) -> Replica:
    first = recorded[0]
    if problem.noisy and first.status is Status.OK:
        compared = list(_noisy_figures(recorded, found))
    else:
        compared = [figure for each in recorded for figure in _figures(each, found[0])]
    note = ""
    if first.status is Status.DUPLICATE:
        note = f"its evaluation was reused from {(first.duplicate_of or '')[:12]}"
    if first.status is Status.RACED_OUT:
        note = "it was raced out: compared as far as it was measured"
    return Replica(
        split=split,
        status=_expected(first).value,
        rule="within the interval" if problem.noisy else "to the bit",
        workloads=len({m.workload for m in first.measurements} & {m.workload for m in found[0].measurements}),
        figures=len(compared),
        partings=tuple(figure.parting for figure in compared if not figure.same),
        note=note,
    )


class _Figure(NamedTuple):
    """One comparison."""

    parting: Parting
    """What is said of it if it is not the same."""
    same: bool


def _expected(recorded: Evaluation) -> Status:
    return Status.OK if recorded.status is Status.DUPLICATE else recorded.status


def _figures(recorded: Evaluation, found: Evaluation) -> Iterator[_Figure]:
    """Give the comparisons of one evaluation with its repetition, to the bit, in the order of measuring."""
    expected = _expected(recorded)
    raced = expected is Status.RACED_OUT
    if not raced:
        yield _told("", "status", _status(expected, recorded), _status(found.status, found), expected is found.status)
    if recorded.decision_hash is not None:
        yield _exact("", "decision hash", recorded.decision_hash, found.decision_hash)
    theirs = {m.workload: m for m in found.measurements}
    for measurement in recorded.measurements:
        again = theirs.pop(measurement.workload, None)
        if again is not None:
            yield from _measured(measurement, again)
        elif expected not in _CUT_OFF:
            yield _told(measurement.workload, "objective", repr(measurement.objective), "not measured", same=False)
    if expected not in _CUT_OFF and not raced:
        for name, extra in theirs.items():
            yield _told(name, "objective", "not measured", repr(extra.objective), same=False)
        yield from _all("", "descriptor", recorded.descriptors, found.descriptors)
        yield _exact("", "score", recorded.score, found.score)


def _measured(recorded: Measurement, found: Measurement) -> Iterator[_Figure]:
    yield _exact(recorded.workload, "objective", recorded.objective, found.objective)
    yield from _all(recorded.workload, "metric", repeatable(recorded.metrics), repeatable(found.metrics))
    yield from _all(recorded.workload, "descriptor", recorded.descriptors, found.descriptors)


def _all(workload: str, kind: str, recorded: Mapping[str, float], found: Mapping[str, float]) -> Iterator[_Figure]:
    for name in {**recorded, **found}:
        yield _exact(workload, f"{kind} {name}", recorded.get(name), found.get(name))


def _exact(workload: str, figure: str, recorded: object, found: object) -> _Figure:
    # repr gives the shortest digits that read back as the same bits, and one that is not a number equals itself.
    return _told(workload, figure, repr(recorded), repr(found), repr(recorded) == repr(found))


def _told(workload: str, figure: str, recorded: str, found: str, same: bool) -> _Figure:
    return _Figure(Parting(workload=workload, figure=figure, recorded=recorded, found=found), same)


def _status(status: Status, word: Evaluation) -> str:
    detail = " ".join(word.detail.split())[:160]
    return f"{status.value} ({detail})" if detail and status not in (Status.OK, Status.DUPLICATE) else status.value


def _noisy_figures(recorded: Sequence[Evaluation], found: Sequence[Evaluation]) -> Iterator[_Figure]:
    """Give a comparison for each new status and, of those that are ``ok``, each workload's mean objective."""
    for word in found:
        yield _told("", "status", Status.OK.value, _status(word.status, word), word.status is Status.OK)
    then, now = _objectives(recorded), _objectives(found)
    for name in {**then, **now}:
        if len(then.get(name, ())) < 1 or len(now.get(name, ())) < 1:
            told = [f"{len(each.get(name, ()))} measurements" for each in (then, now)]
            yield _told(name, "objective", told[0], told[1], same=False)
        elif len(then[name]) + len(now[name]) > 2:
            yield _interval(name, then[name], now[name], len(then))


def _objectives(words: Sequence[Evaluation]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for measurement in (m for word in words if word.status is Status.OK for m in word.measurements):
        values.setdefault(measurement.workload, []).append(measurement.objective)
    return values


def _interval(workload: str, recorded: Sequence[float], found: Sequence[float], comparisons: int) -> _Figure:
    """Compare two means by Student's t on their pooled spread; the error is shared among ``comparisons``."""
    from scipy.special import stdtrit

    means = [math.fsum(values) / len(values) for values in (recorded, found)]
    squares = [(x - mean) ** 2 for values, mean in zip((recorded, found), means, strict=True) for x in values]
    freedom = len(squares) - 2
    spread = math.sqrt(math.fsum(squares) / freedom * (1 / len(recorded) + 1 / len(found)))
    half = float(stdtrit(freedom, 1 - ERROR / (2 * comparisons))) * spread
    told = [f"{mean:.6g} (n = {len(values)})" for mean, values in zip(means, (recorded, found), strict=True)]
    allowed = f"{told[0]}, interval [{means[0] - half:.6g}, {means[0] + half:.6g}]"
    return _told(workload, "mean objective", allowed, told[1], abs(means[1] - means[0]) <= half)
