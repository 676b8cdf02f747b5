"""Does measuring the same design again give the same figures? In other processes, after other work, unsandboxed."""

import math
from collections.abc import Sequence
from typing import Any

from .._contract import Evaluation, Measurement, Status
from .._errors import CandidateFault
from .._problem import Problem
from ..kinds import evaluator_of
from ._finding import Finding, concluded, counted, does_not_apply, fail, warn
from ._fresh import START_S, Told, finish, start
from ._trials import Breakdown, Design, Trials, Word, score_of, told

REPETITIONS = 3
"""Measurings of one design from which the noise of a noisy problem is told."""
LOUD = 0.5
"""Noise (standard deviation) above this share of the gap between best and worst baseline is warned of."""
HASH_SEEDS = (1, 2)


def first_difference(one: Word, other: Word) -> str | None:
    """Return in words where two words on one design part; None where what counts agrees to the bit.

    What counts are the status, the answers to the probe, objectives, descriptors, and the score, which holds what it
    uses of the metrics. Other metrics may be the seconds that something took.
    """
    if isinstance(one, Breakdown) or isinstance(other, Breakdown):
        raised = [word.error for word in (one, other) if isinstance(word, Breakdown)]
        return None if len(set(raised)) == 1 and len(raised) == 2 else f"one of them raised {raised[0]}"
    if one.status != other.status:
        return f"one ended {one.status}, the other {other.status} ({one.detail or other.detail})"[:300]
    if one.decision_hash != other.decision_hash and one.decision_hash and other.decision_hash:
        return "the answers to the probe differ"
    theirs = {m.workload: m for m in other.measurements}
    for mine in one.measurements:
        if mine.workload not in theirs:
            return f"{mine.workload} was measured by one only"
        parted = _parted(mine, theirs[mine.workload])
        if parted is not None:
            return f"{mine.workload}: {parted}"
    if _bits(one.score) != _bits(other.score):
        return f"score {one.score!r} against {other.score!r}"
    return None


def varying_metrics(one: Word, other: Word) -> list[str]:
    """Return the names of the metrics that differ between two words on one design, sorted."""
    if isinstance(one, Breakdown) or isinstance(other, Breakdown):
        return []
    theirs = {m.workload: m.metrics for m in other.measurements}
    pairs = [(m.metrics, theirs[m.workload]) for m in one.measurements if m.workload in theirs]
    return sorted({name for a, b in pairs for name in a if _bits(a[name]) != _bits(b.get(name))})


def _parted(one: Measurement, other: Measurement) -> str | None:
    if _bits(one.objective) != _bits(other.objective):
        return f"objective {one.objective!r} against {other.objective!r}"
    for name, value in one.descriptors.items():
        if _bits(value) != _bits(other.descriptors.get(name)):
            return f"{name} {value!r} against {other.descriptors.get(name)!r}"
    return None


def _bits(value: float | None) -> str:
    """Return a number by its bits: what is not a number equals itself."""
    return "none" if value is None else float(value).hex()


def check_determinism(problem: Problem[Any], trials: Trials, best: Design, other: Design) -> tuple[Finding, int]:
    """Judge ``best`` in fresh processes under two hash seeds, and once more after ``other`` and in reverse order.

    Returns the finding and the peak memory (bytes) of a judging process.
    """
    names = trials.chosen["train"]
    forward = trials.task(best.candidate, "train", names)
    backward = trials.task(best.candidate, "train", names[::-1])
    another = trials.task(other.candidate, "train", names)
    one, two = _fresh(problem, [[forward], [forward, another, backward]], HASH_SEEDS)
    peak = max(one.peak_bytes, two.peak_bytes)
    parted = first_difference(one.words[0], two.words[0])
    figure = f"2 fresh processes, 2 hash seeds, {counted(len(names), 'workload')} in 2 orders"
    if parted is not None:
        return concluded("determinism", figure, [_varies(problem, trials, best, one.words[0], parted)]), peak
    later = first_difference(two.words[0], _in_order(problem, two.words[2], names))
    if later is not None:
        note = fail(
            f"measured after other work, the same design differs: {later}",
            "keep no state between measurements: build everything from the workload inside measure()",
        )
        return concluded("determinism", figure, [note]), peak
    varying = varying_metrics(one.words[0], two.words[0])
    besides = f"; metrics that vary and do not count: {', '.join(varying)}" if varying else ""
    return concluded("determinism", f"bit-identical in {figure}{besides}"), peak


def _in_order(problem: Problem[Any], word: Word, names: Sequence[str]) -> Word:
    """Return a word with its measurements in the order of ``names``: a sum's last digit depends on its order."""
    if score_of(word) is None or isinstance(word, Breakdown):
        return word
    by_name = {m.workload: m for m in word.measurements}
    measured = tuple(by_name[name] for name in names)
    return word.model_copy(update={"measurements": measured, "score": problem.score(measured)})


def _fresh(problem: Problem[Any], lists: Sequence[Sequence[Any]], seeds: Sequence[int]) -> list[Told]:
    limits = problem.limits
    started = []
    for tasks, seed in zip(lists, seeds, strict=True):
        wall_s = limits.for_workloads(len(tasks[0].only)).total_wall_s * len(tasks)
        started.append(start(tasks, seed, START_S + wall_s))
    return finish(started)


def _varies(problem: Problem[Any], trials: Trials, best: Design, first: Word, parted: str) -> Any:
    """Return why two processes disagree: a third, with the first one's hash seed, tells the causes apart."""
    task = trials.task(best.candidate, "train", trials.chosen["train"])
    (third,) = _fresh(problem, [[task]], HASH_SEEDS[:1])
    if first_difference(first, third.words[0]) is None:
        return fail(
            f"the figures depend on Python's hash seed: {parted}",
            "never iterate over a set, nor use hash() of text: sort first",
        )
    return fail(
        f"the figures vary from process to process, and the problem does not say that it is noisy: {parted}",
        "seed every generator from workload.seed, keep the clock and id() out of measure(), or set noisy = True",
    )


def check_noise(problem: Problem[Any], trials: Trials, best: Design, spread: float | None) -> tuple[Finding, float]:
    """Measure a noisy problem's best baseline again and again; return the finding and the noise of its score.

    ``spread`` is the gap between the best and the worst baseline's scores.
    """
    scores = []
    for repetition in range(REPETITIONS):
        score = score_of(trials.judge([best], "train", repetition=repetition)[best.name])
        if score is None:
            note = fail(f"repetition {repetition} of {best.name} was not judged ok", "see the check 'designs'")
            return concluded("determinism", "declared noisy", [note]), 0.0
        scores.append(score)
    mean = math.fsum(scores) / len(scores)
    noise = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (len(scores) - 1))
    share = noise / abs(mean) if mean else noise
    figure = f"declared noisy: {share:.2%} of the score over {REPETITIONS} repetitions"
    notes = []
    if noise == 0:
        notes.append(
            warn("declared noisy, yet repetitions agree to the bit", "drop noisy = True: repeating would be waste")
        )
    elif spread is not None and noise > LOUD * spread:
        notes.append(
            warn(
                f"the noise {noise:.3g} is above half the gap {spread:.3g} between best and worst baseline",
                "measure longer or more workloads: each comparison will need many repetitions",
            )
        )
    return concluded("determinism", figure, notes), noise


def check_inline(problem: Problem[Any], word: Evaluation, design: Design, exact: bool) -> Finding:
    """Compare what the sandbox measured of a baseline with the same code run in this process.

    ``exact`` says whether the same design measures the same to the bit.
    """
    if not exact:
        return does_not_apply("inline", "no two measurings agree, so there are no figures to compare to the bit")
    by_name = {workload.name: workload for workload in problem.workloads("train")}
    try:
        subject = evaluator_of(problem.kind).inline(problem, design.candidate)
        measured = [problem.measure(subject, by_name[m.workload]) for m in word.measurements]
    except CandidateFault as fault:
        if fault.status is Status.SANDBOX_ERROR:
            return does_not_apply("inline", fault.detail)
        note = fail(f"in this process {design.name} is {fault}", "a baseline must behave the same in and out of it")
        return concluded("inline", "a baseline in the sandbox and in this process", [note])
    except NotImplementedError as error:
        return does_not_apply("inline", f"kind {problem.kind}: {told(error)}")
    found = {"measurements": tuple(measured), "score": problem.score(measured), "decision_hash": None}
    mine = word.model_copy(update=found)
    parted = first_difference(word, mine)
    figure = f"{design.name} measures the same in the sandbox and in this process"
    if parted is None:
        return concluded("inline", figure)
    note = fail(
        f"{design.name} measures other figures in the sandbox than in this process: {parted}",
        "tuning judges baselines in this process: find what they rely on that the sandbox does not have",
    )
    return concluded("inline", f"{design.name}, in the sandbox and in this process", [note])
