"""All checks of a problem, in the order in which one builds on the other."""

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
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

NOT_REACHED = "not reached"
UNKNOWN_NOISE = 0.005
"""Of the score, taken for the noise of a problem that varies and does not say that it is noisy."""

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
        workloads={str(split): names for split, names in chosen.items()},
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
        """Add every check that was not made, and tell nobody."""
        made = {finding.check for finding in self.findings}
        self.findings += [does_not_apply(name, NOT_REACHED) for name in CHECKS if name not in made]


class _Field(NamedTuple):
    """The designs of a problem and what came of them."""

    human: Sequence[Design]
    words: dict[Split, dict[str, Word]]
    """Of the human designs."""
    scores: dict[str, float]
    """Theirs on train, where they are judged ok."""
    best: Design
    yard: Yardstick
    exact: bool = True
    """Whether the same design measures the same to the bit."""
    peak_bytes: int = 0
    """Memory of a judging process; 0 where it is not known."""
    constants: Sequence[Design] = ()
    trivial: Mapping[str, Word] = {}
    """What came of the constants, on train."""

    @property
    def word(self) -> Evaluation:
        """Of the best contender, on train."""
        word = self.words["train"][self.best.name]
        assert isinstance(word, Evaluation)
        return word


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
    field = _repeated(checks, trials, _Field(human, words, scores, best, yard))
    checks.of("inline", lambda: check_inline(problem, field.word, best, field.exact))
    checks.of("baselines", lambda: check_order(problem, words["train"], field.yard))
    checks.of("headroom", lambda: check_headroom(problem, human, words, field.yard))
    made = designs_of(problem.kind)
    constants = made.constants(problem) if made else []
    field = field._replace(constants=constants, trivial=trials.judge(constants, "train"))
    everyone = {**words["train"], **field.trivial}
    checks.of("sensitivity", lambda: check_sensitivity(problem, everyone))
    checks.of("descriptors", lambda: check_descriptors(problem, everyone.values()))
    _attempts(checks, trials, made, field)
    _figures(checks, trials, field)


def _repeated(checks: _Checks, trials: Trials, field: _Field) -> _Field:
    """Make the finding on repeated judgings, and return the field with what it tells."""
    problem, best, scores = checks.problem, field.best, field.scores
    told = field

    def noise() -> Finding:
        nonlocal told
        spread = max(scores.values()) - min(scores.values()) if len(scores) > 1 else None
        finding, deviation = check_noise(problem, trials, best, spread)
        told = field._replace(exact=False, yard=field.yard._replace(noise=deviation))
        return finding

    def determinism() -> Finding:
        nonlocal told
        other = next((design for design in field.human if design.name != best.name and design.name in scores), best)
        finding, peak_bytes = check_determinism(problem, trials, best, other)
        told = field._replace(peak_bytes=peak_bytes)
        return finding

    checks.of("determinism", noise if problem.noisy else determinism)
    if checks.verdict("determinism") is Verdict.FAIL:
        unknown = field.yard._replace(noise=UNKNOWN_NOISE * abs(field.yard.best))
        told = told._replace(exact=False, yard=unknown)
    return told


def _attempts(checks: _Checks, trials: Trials, made: KindDesigns | None, field: _Field) -> None:
    """Make the findings on designs that are trivial, prying, hostile or memorising."""
    problem, best, yard = checks.problem, field.best, field.yard
    if made is None:
        for name in ("constants", "rules", "attacks", "memory"):
            why = f"no such designs can be made for the kind {problem.kind}"
            checks.of(name, lambda name=name, why=why: does_not_apply(name, why))  # type: ignore[misc]
        return
    checks.of("constants", lambda: check_constants(field.constants, field.trivial, yard))
    checks.of("rules", lambda: check_rules(problem, trials, made.rules(problem, best.candidate), field.word, yard))

    def attacks() -> Finding:
        hostile = made.attacks(problem, best.candidate, claim_of(problem), hidden_files(problem))
        return check_attacks(problem, trials, hostile, field.word, field.exact)

    checks.of("attacks", attacks)
    seed = field.human[0]
    plain = seed if seed.name != best.name and seed.name in field.scores else worst_of(field.human, field.scores, yard)

    def memory() -> Finding:
        if plain.name == best.name:
            return does_not_apply("memory", "there is only one design")
        memoriser = made.memorising(problem, best.candidate, plain.candidate, trials.chosen["train"])
        if memoriser is None:
            return does_not_apply("memory", "no memorising design can be made from the interface")
        return check_memory(trials, memoriser, plain, yard)

    checks.of("memory", memory)


def _figures(checks: _Checks, trials: Trials, field: _Field) -> None:
    """Make the findings on how reliable the ranks are, and what they cost."""
    problem, candidate, sandbox = checks.problem, field.best.candidate, trials.sandbox
    ranked = field.words
    if len(field.scores) < FEW_DESIGNS and field.constants:
        beside: dict[Split, Mapping[str, Word]] = {
            "train": field.trivial,
            "validation": trials.judge(field.constants, "validation"),
        }
        ranked = {split: {**words, **beside[split]} for split, words in field.words.items()}
    checks.of("ranks", lambda: check_ranks(problem, trials.chosen, ranked, trials.quick))
    checks.of("cost", lambda: check_cost(problem, field.word, measured_rungs(problem, candidate, sandbox)))

    def limits() -> Finding:
        half = under_half_memory(problem, candidate, sandbox)
        return check_limits(problem, field.words["train"], half, field.peak_bytes)

    checks.of("limits", limits)


def human_designs(problem: Problem[Any]) -> list[Design]:
    """Return the seed and the baselines; the seed first, under its baseline's name where it is one."""
    designs = [Design(b.name, b.candidate, "control" if b.control else "baseline") for b in problem.baselines()]
    seed = problem.seed()
    same = [design for design in designs if design.candidate.id == seed.id]
    return [*same, *[d for d in designs if d not in same]] if same else [Design("seed", seed, "seed"), *designs]


_NO_YARD = Yardstick(sign=1.0, best=0.0, best_name="", control=None)


def yardstick(problem: Problem[Any], human: Sequence[Design], scores: dict[str, float]) -> Yardstick | None:
    """Return what scores are held against: the best contender and the best control; None where none is judged ok.

    The seed stands in where there is no contender at all.
    """
    sign = 1.0 if problem.objective.direction == "minimize" else -1.0
    contenders = [d for d in human if d.role == "baseline"] or [d for d in human if d.role == "seed"]
    names = [d.name for d in contenders if d.name in scores]
    if not names:
        return None
    best = min(names, key=lambda name: sign * scores[name])
    controls = [d.name for d in human if d.role == "control" and d.name in scores]
    if not controls and len(names) > 1:
        controls = [max(names, key=lambda name: sign * scores[name])]
    control = min((scores[name] for name in controls), key=lambda score: sign * score, default=None)
    return Yardstick(sign=sign, best=scores[best], best_name=best, control=control)
