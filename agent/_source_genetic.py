"""The proposers that need no model, for kinds whose programs have no types to go by: plans, programs, commands.

Python is changed on its syntax tree, any other language on its tokens; see ``_python_changes`` and
``_token_changes``. Nothing outside EVOLVE blocks changes, and what does not parse is never proposed.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from speciate.evaluators import Candidate, Evaluation, KernelInterface, PlanProbe, Problem, SourceFile

from . import _python_changes as python
from . import _python_kernels as python_kernels
from . import _python_mates as python_mates
from . import _token_changes as token
from ._bandit import Chooser
from ._constant_tuning import TUNE, Tuner, tuning_draw
from ._cpp_changes import CPP_CHANGES
from ._formula_shapes import SHAPES
from ._fronts import from_front
from ._genetic import ON_REQUEST, select
from ._literals import changeable_files, is_python
from ._proposer import ArchiveView, Draw, Proposal, Task
from ._python_source import Source
from ._settings import RunSettings
from ._tokens import grammar_of

MOST_NODES = 600
"""Expression nodes a Python file may always grow to; thrice the largest human design where that is more."""
_TRIES = 24
_STEPS = (2, 4, 8, 16)
"""Changes that one candidate of the random control is made by."""


class Arm(NamedTuple):
    """An operator and how often it is drawn."""

    name: str
    weight: float


ARMS = (
    Arm("tune", 0.20),
    Arm("swap", 0.10),
    Arm("reorder", 0.07),
    Arm("condition", 0.06),
    Arm("term", 0.20),
    Arm("statement", 0.09),
    Arm("splice", 0.12),
    Arm("transplant", 0.05),
    Arm("function", 0.06),
    Arm("blend", 0.05),
)
CPP_ARMS = (
    Arm("tune", 0.03),
    Arm("swap", 0.01),
    Arm("term", 0.01),
    Arm("statement", 0.01),
    Arm("splice", 0.03),
    Arm("transplant", 0.02),
    Arm("function", 0.04),
    Arm("blend", 0.03),
    Arm("resize", 0.12),
    Arm("hint", 0.14),
    Arm("jam", 0.14),
    Arm("split", 0.08),
    Arm("leave", 0.10),
    Arm("vectorize", 0.06),
    Arm("tile", 0.04),
    Arm("interchange", 0.03),
    Arm("fuse", 0.02),
    Arm("fission", 0.02),
    Arm("hoist", 0.05),
    Arm("select", 0.02),
    Arm("retype", 0.03),
    Arm("prefetch", 0.02),
    Arm("restrict", 0.03),
)
"""Of kernels in C++: nearly all leave what is computed alone, and change how."""
CUDA_ARMS = (
    Arm("tune", 0.03),
    Arm("statement", 0.02),
    Arm("splice", 0.03),
    Arm("function", 0.04),
    Arm("blend", 0.03),
    Arm("resize", 0.25),
    Arm("hint", 0.10),
    Arm("jam", 0.10),
    Arm("split", 0.08),
    Arm("interchange", 0.04),
    Arm("fuse", 0.03),
    Arm("fission", 0.03),
    Arm("hoist", 0.06),
    Arm("select", 0.03),
    Arm("retype", 0.04),
    Arm("restrict", 0.08),
)
"""Of kernels in CUDA: what of the others a compiler for GPUs understands."""
PYTHON_KERNEL_ARMS = (*ARMS, Arm("leave", 0.30), Arm("interchange", 0.06), Arm("resize", 0.30))
"""Of kernels in Python."""
TRITON_ARMS = (
    Arm("tune", 0.03),
    Arm("statement", 0.02),
    Arm("splice", 0.08),
    Arm("transplant", 0.04),
    Arm("function", 0.15),
    Arm("blend", 0.08),
    Arm("resize", 0.30),
    Arm("launch", 0.30),
)
"""Of kernels in Triton: how they are cut and launched, and parts of human designs."""
FORMULA_ARMS = (
    Arm("tune", 0.48),
    Arm("blend", 0.08),
    Arm("rewrite", 0.06),
    Arm("degree", 0.04),
    Arm("scale", 0.02),
    Arm("splice", 0.08),
    Arm("term", 0.06),
    Arm("swap", 0.06),
    Arm("function", 0.06),
    Arm("transplant", 0.03),
    Arm("statement", 0.03),
)
"""Of formulas, where they are changed by their text alone: there are few of a form that is any good, and each is as
good as its constants."""
_WEIGHTS = {TUNE: 0.15, **{arm.name: arm.weight for arm in ARMS}}
_PYTHON: dict[str, python.PythonChange] = {
    TUNE: python.tune,
    "tune": python.tune,
    "swap": python.swap,
    "reorder": python.reorder,
    "condition": python.condition,
    "term": python.term,
    "statement": python.statement,
    "leave": python_kernels.leave,
    "interchange": python_kernels.interchange,
    "resize": python_kernels.resize,
    "launch": python_kernels.launch,
    **SHAPES,
}
_PYTHON_MATES: dict[str, python_mates.PythonCrossover] = {
    "splice": python_mates.splice,
    "transplant": python_mates.transplant,
    "function": python_mates.function,
    "blend": python_mates.blend,
}
_TOKEN: dict[str, token.TokenChange] = {
    TUNE: token.tune,
    "tune": token.tune,
    "term": token.term,
    "swap": token.swap,
    "reorder": token.swap,
    "condition": token.swap,
    "statement": token.statement,
    **CPP_CHANGES,
}
_TOKEN_MATES: dict[str, token.TokenCrossover] = {
    "splice": token.line,
    "transplant": token.line,
    "function": token.exchange,
    "blend": token.blend,
}
_FALLBACKS = ("tune", "tune", "term", "swap")
"""What is tried where the drawn operator finds nothing to change."""
_KERNEL_FALLBACKS = ("hint", "resize", "jam", "split", "restrict")
_TRITON_FALLBACKS = ("launch", "resize")
_AGAIN = 0.4
"""How often a kernel in C++ or CUDA is changed once more: lanes are worth little without what else they need."""


class Workshop:
    """Changes candidates of one problem; pure, given the generator.

    Args:
        problem: its seed says which files there are and which part of them may change, its interface what must
            stay, its probe how large a plan's inputs are.
    """

    def __init__(self, problem: Problem[Any]):
        self.seed = problem.seed()
        self._interface = problem.interface
        self._bytes = problem.limits.source_bytes
        self._typical = _typical(problem)
        shown = [each.candidate for each in problem.baselines() if not each.control and not each.withheld]
        same = [candidate for candidate in shown if self._alike(candidate)]
        self.library: Sequence[Candidate] = [self.seed, *same]
        self._changeable = changeable_files(self.seed)
        self._most_nodes = max([MOST_NODES, *(3 * _nodes(each) for each in self.library)])

    def changed(self, base: Candidate, mate: Candidate | None, operator: str, rng: Random) -> Candidate | None:
        """Return ``base`` with one file changed by the operator; None where it found nothing, or too much."""
        places = [index for index, file in enumerate(base.files) if file.path in self._changeable]
        if not places:
            return None
        index = rng.choices(places, [len(base.files[place].text) ** 0.5 + 1.0 for place in places])[0]
        file = base.files[index]
        other = None
        if mate is not None:
            other = next((each for each in mate.files if each.path == file.path), None)
        change = self._python if is_python(file, base) else self._tokens
        text = change(file, other, operator, rng)
        if text is None or len(text.encode(errors="replace")) > self._bytes:
            return None
        files = [*base.files[:index], SourceFile(path=file.path, text=text), *base.files[index + 1 :]]
        return Candidate(files=tuple(files), language=base.language)

    def _alike(self, candidate: Candidate) -> bool:
        ours, theirs = ({file.path for file in each.files} for each in (self.seed, candidate))
        return ours == theirs and candidate.language == self.seed.language

    def _python(self, file: SourceFile, mate: SourceFile | None, operator: str, rng: Random) -> str | None:
        bench = python.Bench(rng, self._interface, self._typical)
        try:
            source = Source(file.text)
            if operator in _PYTHON:
                text = _PYTHON[operator](source, bench)
            else:
                text = _PYTHON_MATES[operator](source, Source(mate.text), bench) if mate is not None else None
            child = Source(text) if text is not None else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        if child is None or child.size > self._most_nodes:
            return None
        # Every function that the judge asks for must have come through.
        kept = child.functions.keys() >= set(self._interface.defines) & source.functions.keys()
        return child.text if kept else None

    def _tokens(self, file: SourceFile, mate: SourceFile | None, operator: str, rng: Random) -> str | None:
        grammar = grammar_of(file.path, self.seed.language)
        own = token.File(file.path, file.text, grammar)
        if operator in _TOKEN:
            return _TOKEN[operator](own, rng)
        if mate is None:
            return None
        return _TOKEN_MATES[operator](own, token.File(mate.path, mate.text, grammar), rng)


class SourceProposer:
    """Evolves programs of unknown types. Deterministic: ``write`` depends on its task alone.

    Args:
        problem: its seed and its baselines (controls and those withheld apart) are the material that crossovers
            may draw on besides the elites.
        settings: of the run: which operators are drawn, and how they are chosen.

    Raises:
        SpeciateError: the settings name an operator there is not.
    """

    name = "genetic"

    def __init__(self, problem: Problem[Any], settings: RunSettings | None = None):
        arms = _arms(problem)
        self._weights = {TUNE: _WEIGHTS[TUNE], **{arm.name: arm.weight for arm in arms}}
        self._chooser = Chooser(settings, self._weights, ON_REQUEST)
        loops = arms in (CPP_ARMS, CUDA_ARMS)
        self._fallbacks: Sequence[str] = _KERNEL_FALLBACKS if loops else _FALLBACKS
        if arms is TRITON_ARMS:
            self._fallbacks = _TRITON_FALLBACKS
        self._again = _AGAIN if loops else 0.0
        self._workshop = Workshop(problem)
        self._tuner = Tuner(problem)

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Choose an operator, a parent and, for a crossover, a mate."""
        library = self._workshop.library
        operator = self._chooser.pick("operator", self._weights, view.history, rng)
        elites = view.elites
        if not elites:
            # Nothing is judged yet: a program of the library stands in for the parent.
            extra = {"base": rng.randrange(len(library)), "mate": rng.randrange(len(library))}
            return Draw(operator, (), rng.getrandbits(48), extra=extra)
        parent = from_front(view, select(elites, rng), rng)
        if operator == TUNE:
            return tuning_draw(view, parent.ticket, rng.getrandbits(48))
        others = [elite for elite in elites if elite.ticket != parent.ticket]
        if operator not in _PYTHON_MATES or not others or rng.random() < 0.4:
            return Draw(operator, (parent.ticket,), rng.getrandbits(48), extra={"mate": rng.randrange(len(library))})
        return Draw(operator, (parent.ticket, select(others, rng).ticket), rng.getrandbits(48))

    async def write(self, task: Task) -> Proposal:
        """Change the parent by the drawn operator; another one where that finds nothing to change."""
        tuned = self._tuner.child(task) if task.draw.operator == TUNE else None
        if tuned is not None:
            return Proposal(tuned)
        extra, library = task.draw.extra, self._workshop.library
        base = task.parents[0].candidate if task.parents else library[int(extra.get("base", 0)) % len(library)]
        given = library[int(extra.get("mate", 0)) % len(library)]
        mate = task.parents[1].candidate if len(task.parents) > 1 else given
        rng = Random(task.draw.seed)
        for attempt in range(_TRIES):
            operator = task.draw.operator if attempt < _TRIES // 3 else rng.choice(self._fallbacks)
            child = self._changed(base, mate, operator, rng)
            if child is not None and child.id not in (base.id, mate.id):
                return Proposal(child)
        return Proposal(None, note=f"{_TRIES} changes of the parent gave nothing new that parses")

    def _changed(self, base: Candidate, mate: Candidate, operator: str, rng: Random) -> Candidate | None:
        """Return a child by one operator, or by that and others after it."""
        child = self._workshop.changed(base, mate, operator, rng)
        weights = {name: weight for name, weight in self._weights.items() if self._chooser.allows(name)}
        while child is not None and self._again and rng.random() < self._again:
            (further,) = rng.choices(list(weights), list(weights.values()))
            child = self._workshop.changed(child, mate, further, rng) or child
        return child

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Return None: a faulty child is dropped, another ticket is cheaper."""
        return None


class SourceRandom:
    """The control arm: the seed after many random changes, with no selection and no memory.

    It draws on the same operators and the same human designs as the genetic proposer, so what a search gains over
    it is what selection bought.
    """

    name = "random"

    def __init__(self, problem: Problem[Any]):
        self._workshop = Workshop(problem)
        self._arms = [arm.name for arm in _arms(problem)]

    def draw(self, view: ArchiveView, rng: Random) -> Draw:
        """Draw nothing but the seed of the changes."""
        return Draw("walk", (), rng.getrandbits(48))

    async def write(self, task: Task) -> Proposal:
        """Change the seed again and again."""
        rng = Random(task.draw.seed)
        library = self._workshop.library
        known = {candidate.id for candidate in library}
        child = library[0]
        steps = rng.choice(_STEPS)
        for step in range(steps + _TRIES):
            if step >= steps and child.id not in known:
                return Proposal(child)
            child = self._workshop.changed(child, rng.choice(library), rng.choice(self._arms), rng) or child
        return Proposal(None, note=f"{_TRIES} changes of the seed gave nothing new that parses")

    async def repair(self, task: Task, turn: int, candidate: Candidate, evaluation: Evaluation) -> Proposal | None:
        """Return None: chance does not mend."""
        return None


def _arms(problem: Problem[Any]) -> tuple[Arm, ...]:
    """Return the operators, but for tuning, that a problem's designs are changed by."""
    if problem.kind == "formula":
        return FORMULA_ARMS
    if problem.kind != "kernel":
        return ARMS
    interface = problem.interface
    if isinstance(interface, KernelInterface) and interface.tool == "triton":
        return TRITON_ARMS
    return {"c++": CPP_ARMS, "cuda": CUDA_ARMS, "python": PYTHON_KERNEL_ARMS}.get(interface.language, ARMS)


def _nodes(candidate: Candidate) -> int:
    sizes = [0]
    for file in candidate.files:
        if is_python(file, candidate):
            try:
                sizes.append(Source(file.text).size)
            except (SyntaxError, ValueError, RecursionError):
                continue
    return max(sizes)


def _typical(problem: Problem[Any]) -> Mapping[str, float]:
    """Return the mean size of each of a plan's inputs, as the probe has them."""
    import numpy as np

    probe = problem.probe() if problem.kind == "plan" else None
    if not isinstance(probe, PlanProbe):
        return {}
    sizes: dict[str, list[float]] = {}
    for call in probe.calls:
        for name, value in call.items():
            flat = np.abs(np.asarray(value, dtype=float)).ravel()
            sizes.setdefault(name, []).append(float(flat.mean()) if flat.size else 0.0)
    return {name: sum(each) / len(each) for name, each in sizes.items() if sum(each) > 0}
