"""Tuning of baselines: a human design is compared in its best form, found with a stated budget.

The tuner knows nothing of the design but the ranges of its top-level constants: half the budget is seeded
random search over the ranges, half a shrinking Gaussian walk around the best found.
"""

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from ._contract import Candidate, Evaluation, Status
from ._errors import ProblemError
from ._headroom import rooms
from ._ladder import judge_inline
from ._problem import Baseline, Parameter, Problem, ProblemRef
from ._registry import problem_of

Judge = Callable[[Sequence[Candidate]], Sequence[Evaluation]]
"""Judges a batch on the train split, in order."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
BATCH = 8
FIRST_STEP = 0.25
LAST_STEP = 0.03
"""Standard deviation of the walk, as a share of a parameter's range, from its first step to its last."""


class Tuned(NamedTuple):
    """What tuning chose."""

    values: dict[str, float]
    score: float
    evaluations: int


def tune(baseline: Baseline, judge: Judge, evaluations: int, *, seed: int, maximize: bool = False) -> Tuned:
    """Return the best constants for ``baseline`` after at most ``evaluations`` judgings on the train split.

    The values the baseline comes with are judged first, so tuning never makes it worse on train. A design
    without parameters is judged once. Raises ProblemError where not one setting is judged ``ok``.
    """
    rng = Random(f"tune/{baseline.name}/{seed}")
    sign = -1.0 if maximize else 1.0
    best: dict[str, float] = constants(baseline.candidate.source, [p.name for p in baseline.parameters])
    best_score = math.inf
    used = 0
    budget = evaluations if baseline.parameters else 1
    batch = [best]
    while batch:
        outcomes = judge([with_constants(baseline.candidate, values) for values in batch])
        used += len(batch)
        for values, evaluation in zip(batch, outcomes, strict=True):
            if evaluation.status is Status.OK and evaluation.score is not None and sign * evaluation.score < best_score:
                best, best_score = values, sign * evaluation.score
        size = min(BATCH, budget - used)
        batch = [_next(baseline.parameters, best, rng, used / budget) for _ in range(size)]
    if not math.isfinite(best_score):
        raise ProblemError(f"baseline {baseline.name}: not one of {used} settings was judged ok")
    return Tuned(best, sign * best_score, used)


def tune_baseline(ref: ProblemRef, name: str, evaluations: int, seed: int) -> Tuned:
    """Tune the baseline called ``name``, judging in this process: a problem's own baselines are trusted code.

    Raises ProblemError for an unknown name.
    """
    problem = problem_of(ref)
    for baseline in problem.baselines():
        if baseline.name == name:
            return tune(
                baseline,
                lambda candidates: [judge_inline(problem, candidate) for candidate in candidates],
                evaluations,
                seed=seed,
                maximize=problem.objective.direction == "maximize",
            )
    known = ", ".join(baseline.name for baseline in problem.baselines())
    raise ProblemError(f"{problem.name} has no baseline {name!r}; it has {known}")


class Headroom(NamedTuple):
    """What the best baseline leaves to discover on the train workloads."""

    baseline: str
    score: float
    to_bound: float | None
    """Mean distance from the bound, as a share; None where there is none."""


def headroom_of(problem: Problem[Any], tuned: Mapping[str, Tuned]) -> Headroom | None:
    """Return the headroom over the best contender with the constants that were chosen; None without a contender."""
    sign = -1.0 if problem.objective.direction == "maximize" else 1.0
    contenders = [each for each in problem.baselines() if not each.control and each.name in tuned]
    if not contenders:
        return None
    best = min(contenders, key=lambda each: sign * tuned[each.name].score)
    choice = tuned[best.name]
    found = rooms(problem, judge_inline(problem, with_constants(best.candidate, choice.values)))
    return Headroom(best.name, choice.score, math.fsum(found) / len(found) if found else None)


def tuned_toml(section: str, tuned: Mapping[str, Tuned], seed: int, headroom: Headroom | None = None) -> str:
    """Return the TOML of what tuning chose: one table a baseline under ``section``, and the ``headroom`` they leave."""
    lines: list[str] = []
    if headroom is not None:
        lines += ["[headroom]", f'baseline = "{headroom.baseline}"', f"score = {headroom.score:.6f}"]
        lines += [f"to_bound = {headroom.to_bound:.4f}"] if headroom.to_bound is not None else []
        lines += [""]
    for name, choice in tuned.items():
        values = ", ".join(f"{key} = {value!r}" for key, value in choice.values.items())
        lines += [
            f"[{section}.{name.replace('-', '_')}]",
            f"values = {{ {values} }}" if values else "values = {}",
            f"score = {choice.score:.6f}",
            f"evaluations = {choice.evaluations}",
            f"seed = {seed}",
            "",
        ]
    return "\n".join(lines)


def _next(parameters: Sequence[Parameter], best: Mapping[str, float], rng: Random, progress: float) -> dict[str, float]:
    """Return the next setting: uniform over the ranges in the first half, near the best in the second."""
    if progress < 0.5:
        return {p.name: _at(p, rng.random()) for p in parameters}
    step = FIRST_STEP * (LAST_STEP / FIRST_STEP) ** (2 * progress - 1)
    return {p.name: _at(p, min(1.0, max(0.0, _share(p, best[p.name]) + rng.gauss(0, step)))) for p in parameters}


def _at(parameter: Parameter, share: float) -> float:
    if parameter.log:
        value = parameter.low * (parameter.high / parameter.low) ** share
    else:
        value = parameter.low + (parameter.high - parameter.low) * share
    return float(f"{value:.4g}")


def _share(parameter: Parameter, value: float) -> float:
    if parameter.log:
        return math.log(value / parameter.low) / math.log(parameter.high / parameter.low)
    return (value - parameter.low) / (parameter.high - parameter.low)


def constants(source: str, names: Sequence[str]) -> dict[str, float]:
    """Return the values of the top-level constants ``names``. Raises ProblemError for a missing one."""
    found = {}
    for name in names:
        start, end = _span(source, name)
        found[name] = float(source[start:end])
    return found


def with_constants(candidate: Candidate, values: Mapping[str, float]) -> Candidate:
    """Return ``candidate`` with top-level constants of its entry file replaced. Comments and layout stay."""
    text = candidate.source
    for name, value in values.items():
        start, end = _span(text, name)
        text = text[:start] + repr(value) + text[end:]
    entry = candidate.files[0].model_copy(update={"text": text})
    return candidate.model_copy(update={"files": (entry, *candidate.files[1:])})


def _span(source: str, name: str) -> tuple[int, int]:
    """Return the offsets of the number in ``NAME = NUMBER``: at Python's top level, in another language of a line."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        tree = None
    if tree is None:
        match = re.search(rf"^{re.escape(name)}[ \t]*=[ \t]*({_NUMBER})", source, re.MULTILINE)
        if match is not None:
            return match.span(1)
    else:
        for node in tree.body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
                return _offsets(source, node.value)
    raise ProblemError(f"expected a top-level constant {name} = NUMBER in the baseline, found none")


def _offsets(source: str, node: ast.expr) -> tuple[int, int]:
    assert node.end_col_offset is not None
    lines = source.splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1]))
    line = lines[node.lineno - 1].encode()
    before, upto = (len(line[:column].decode()) for column in (node.col_offset, node.end_col_offset))
    return start + before, start + upto
