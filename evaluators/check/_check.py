"""All checks of a problem, in the order in which one builds on the other."""

import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .._contract import Evaluation, Split
from .._errors import ProblemError, SandboxUnavailableError
from .._executors import LocalExecutor
from .._problem import Problem, ProblemRef
from .._registry import problem_of
from ..sandbox import sandbox_named
from ._attacks import check_attacks, check_memory, claim_of, worst_of
from ._baselines import check_designs, check_headroom, check_order, check_sensitivity
from ._contract import check_contract, check_splits
from ._cost import check_cost, check_limits, measured_rungs, under_half_memory
from ._descriptors import check_descriptors
from ._designs import KindDesigns, designs_of, hidden_files
from ._determinism import check_determinism, check_inline, check_noise
from ._finding import Finding, Report, Verdict, concluded, does_not_apply, fail
from ._ranks import check_ranks
from ._trials import Design, Trials, Word, Yardstick, chosen_workloads, score_of, told
from ._trivial import check_constants, check_rules

CHECKS = (
    "contract",
    "splits",
    "designs",
    "determinism",
    "inline",
    "baselines",
    "headroom",
    "sensitivity",
    "descriptors",
    "constants",
    "rules",
    "attacks",
    "memory",
    "ranks",
    "cost",
    "limits",
)
"""Names of all checks, in order."""

FEW_DESIGNS = 4
"""With fewer human designs, those that do not look are ranked too."""

Say = Callable[[Finding], None]


class Settings(NamedTuple):
    """How a problem is to be checked."""

    quick: bool = False
    sandbox: str | None = None
    """Name of the sandbox; None for the best one on this machine."""
    workers: int = 1


def check_problem(ref: ProblemRef, settings: Settings, say: Say = lambda finding: None) -> Report:
    """Find out whether a problem is fit for search. ``say`` is told of each finding as it is made.

    Held-out workloads are counted and never judged. Raises ProblemError for a problem that cannot be loaded, and
    SandboxUnavailableError.
    """
    began = time.monotonic()
    sandbox = sandbox_named(settings.sandbox).name
    problem = _loaded(ref)
    checks = _Checks(problem, say)
    checks.of("contract", lambda: check_contract(problem))
    checks.of("splits", lambda: check_splits(problem))
    chosen: dict[Split, tuple[str, ...]] = {}
    left_out = 0
    if checks.verdict("splits") is not Verdict.FAIL or _has_workloads(problem):
        chosen = {split: chosen_workloads(problem, split, settings.quick) for split in ("train", "validation")}
        left_out = sum(len(problem.workloads(split)) - len(names) for split, names in chosen.items())
        executor = LocalExecutor(settings.workers)
        try:
            _judged(checks, Trials(ref, executor, sandbox, chosen, settings.quick))
        finally:
            executor.close()
    checks.rest()
    return Report(
        problem=problem.name,
        kind=problem.kind,
        version=problem.version,
        quick=settings.quick,
        sandbox=sandbox,
        workloads=dict(chosen),
        left_out=left_out,
        findings=tuple(checks.findings),
        wall_s=time.monotonic() - began,
    )


def _loaded(ref: ProblemRef) -> Problem[Any]:
    try:
        problem = problem_of(ref)
    except ProblemError:
        raise
    except Exception as error:
        raise ProblemError(f"{ref.name}: problem(options) raised {told(error)}; it must return a Problem") from error
    missing = [
        name for name in ("name", "title", "objective", "descriptors", "interface") if not hasattr(problem, name)
    ]
    if missing:
        raise ProblemError(f"{ref.name}: expected the problem to give {', '.join(missing)}; see evaluators.Problem")
    return problem


def _has_workloads(problem: Problem[Any]) -> bool:
    try:
        return bool(problem.workloads("train")) and bool(problem.workloads("validation"))
    except Exception:  # noqa: BLE001 - the check of the splits has told it
        return False


class _Checks:
    """Makes findings one by one. What the problem's own code raises is a finding too."""

    def __init__(self, problem: Problem[Any], say: Say):
        self.problem = problem
        self.findings: list[Finding] = []
        self._say = say

    def of(self, name: str, check: Callable[[], Finding]) -> None:
        """Make one finding."""
        try:
            finding = check()
        except SandboxUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - the problem's own code runs in every check
            where = traceback.extract_tb(error.__traceback__)[-1]
            note = fail(f"{told(error)} ({where.filename}:{where.lineno})", "mend what raised it")
            finding = concluded(name, "could not be checked", [note])
        self.findings.append(finding)
        self._say(finding)

    def verdict(self, name: str) -> Verdict | None:
        """Return how a check ended, None where it was not made."""
        return next((finding.verdict for finding in self.findings if finding.check == name), None)

    def rest(self) -> None:
        """Say of every check that was not made that it was not."""
        made = {finding.check for finding in self.findings}
        for name in CHECKS:
            if name not in made:
                self.of(name, lambda name=name: does_not_apply(name, "not reached: mend what failed above first"))  # type: ignore[misc]


def _judged(checks: _Checks, trials: Trials) -> None:
    """Make the findings that need judgings."""
    problem = checks.problem
    human = human_designs(problem)
    words = {split: trials.judge(human, split) for split in trials.chosen}
    checks.of("designs", lambda: check_designs(human, words))
    scores = {name: score for name, word in words["train"].items() if (score := score_of(word)) is not None}
    yard = yardstick(problem, human, scores)
    if yard is None:
        checks.of("headroom", lambda: check_headroom(problem, human, words, _NO_YARD))
        return
    best = next(design for design in human if design.name == yard.best_name)
    others = [design for design in human if design.name != best.name and design.name in scores]
    peak = 0

    def determinism() -> Finding:
        nonlocal peak, yard
        assert yard is not None
        if problem.noisy:
            spread = max(scores.values()) - min(scores.values()) if len(scores) > 1 else None
            finding, noise = check_noise(problem, trials, best, spread)
            yard = yard._replace(noise=noise)
            return finding
        finding, peak = check_determinism(problem, trials, best, others[0] if others else best)
        return finding

    checks.of("determinism", determinism)
    word = words["train"][best.name]
    assert isinstance(word, Evaluation)
    checks.of("inline", lambda: check_inline(problem, word, best))
    checks.of("baselines", lambda: check_order(problem, words["train"], yard))
    checks.of("headroom", lambda: check_headroom(problem, human, words, yard))
    made = designs_of(problem.kind)
    constants = made.constants(problem) if made else []
    trivial = trials.judge(constants, "train")
    everyone = {**words["train"], **trivial}
    checks.of("sensitivity", lambda: check_sensitivity(problem, everyone))
    checks.of("descriptors", lambda: check_descriptors(problem, everyone.values()))
    _attempts(checks, trials, made, _Field(human, constants, words, trivial, scores, best, yard))
    ranked: dict[Split, dict[str, Word]] = dict(words)
    if len(scores) < FEW_DESIGNS and constants:
        ranked = {"train": everyone, "validation": {**words["validation"], **trials.judge(constants, "validation")}}
    checks.of("ranks", lambda: check_ranks(problem, trials.chosen, ranked, trials.quick))
    candidate, sandbox = best.candidate, trials.sandbox
    checks.of("cost", lambda: check_cost(problem, word, measured_rungs(problem, candidate, sandbox)))
    checks.of(
        "limits",
        lambda: check_limits(problem, words["train"], under_half_memory(problem, candidate, sandbox), peak),
    )


class _Field(NamedTuple):
    """The designs of a problem and what came of them."""

    human: Sequence[Design]
    constants: Sequence[Design]
    words: dict[Split, dict[str, Word]]
    trivial: dict[str, Word]
    scores: dict[str, float]
    best: Design
    yard: Yardstick


def _attempts(checks: _Checks, trials: Trials, made: KindDesigns | None, field: _Field) -> None:
    """Make the findings on designs that are trivial, prying, hostile or memorising."""
    problem, best, yard = checks.problem, field.best, field.yard
    if made is None:
        for name in ("constants", "rules", "attacks", "memory"):
            why = f"no such designs can be made for the kind {problem.kind}"
            checks.of(name, lambda name=name, why=why: does_not_apply(name, why))  # type: ignore[misc]
        return
    word = field.words["train"][best.name]
    checks.of("constants", lambda: check_constants(field.constants, field.trivial, yard))
    checks.of("rules", lambda: check_rules(problem, trials, made.rules(problem, best.candidate), word, yard))
    checks.of(
        "attacks",
        lambda: check_attacks(
            trials,
            made.attacks(problem, best.candidate, claim_of(problem), hidden_files(problem)),
            word,
            problem.noisy,
        ),
    )
    seed = field.human[0]
    plain = seed if seed.name != best.name and seed.name in field.scores else worst_of(field.human, field.scores, yard)

    def memory() -> Finding:
        if plain.name == best.name:
            return does_not_apply("memory", "there is only one design")
        memoriser = made.memorising(problem, best.candidate, plain.candidate, trials.chosen["train"])
        return check_memory(trials, memoriser, plain, yard)

    checks.of("memory", memory)


def human_designs(problem: Problem[Any]) -> list[Design]:
    """Return the seed and the baselines; the seed first, under its baseline's name where it is one."""
    designs = [Design(b.name, b.candidate, "control" if b.control else "baseline") for b in problem.baselines()]
    seed = problem.seed()
    same = [design for design in designs if design.candidate.id == seed.id]
    return [*same, *[d for d in designs if d not in same]] if same else [Design("seed", seed, "seed"), *designs]


_NO_YARD = Yardstick(sign=1.0, best=0.0, best_name="", control=None)


def yardstick(problem: Problem[Any], human: Sequence[Design], scores: dict[str, float]) -> Yardstick | None:
    """Return what scores are held against: the best contender (the seed, where there is none) and the best control."""
    sign = 1.0 if problem.objective.direction == "minimize" else -1.0
    contenders = [d.name for d in human if d.role == "baseline" and d.name in scores]
    contenders = contenders or [d.name for d in human if d.name in scores]
    if not contenders:
        return None
    best = min(contenders, key=lambda name: sign * scores[name])
    controls = [d.name for d in human if d.role == "control" and d.name in scores and d.name != best]
    if not controls and len(contenders) > 1:
        controls = [max(contenders, key=lambda name: sign * scores[name])]
    control = min((scores[name] for name in controls), key=lambda score: sign * score, default=None)
    return Yardstick(sign=sign, best=scores[best], best_name=best, control=control)
