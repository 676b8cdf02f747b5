"""At which sizes is a foreign task judged on this machine? As listed where that fits, else shrunk until it does.

Sizes are tried from small to large, so that nothing is ever run that is far beyond the budget. What was found is
written down: it depends on how fast this machine is, and a run must find the same again.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from .._claims import claimed
from .._contract import Frozen, Split
from .._errors import ProblemError
from ..kernel._build import cache_folder, processor
from ._literals import SMALLEST, capped, divided
from ._oracle import Question, TaskError, facts_of, oracle_text
from ._task import KernelTask, Listed, Sample

BUDGET_BYTES = 8 << 20
"""Of inputs and outputs of one timed call."""
BUDGET_S = 0.006
"""CPU seconds of one call of the reference."""
TESTED = 6
"""Cases that are checked and not timed, at most."""
_TEST_BYTES = 2 << 20
_TEST_S = 0.05
"""Of a case that is only checked: called a few times, so that a busy machine need not leave it out."""
_CAPS = tuple(SMALLEST << k for k in range(35))
_PATIENCE_S = 120.0
_SEED = 42


class Sized(Frozen):
    """The cases of a task as they are judged here."""

    tests: tuple[Sample, ...]
    timed: dict[Split, tuple[Sample, ...]]

    @property
    def samples(self) -> list[Sample]:
        """All of them."""
        return [*self.tests, *(each for split in self.timed.values() for each in split)]


def question_of(task: KernelTask, listed: Listed, seed: int = _SEED) -> Question:
    """Return the question for one case and seed."""
    numbers = dict(listed.numbers)
    return Question(task.form, task.sources(numbers), {**numbers, **listed.words, **task.extra(listed)}, seed)


def sized(task: KernelTask, shrink: int | None) -> Sized:
    """Return the cases, tried here now or before.

    Args:
        task: what is to be judged.
        shrink: what sizes are divided by; None to shrink them until a call fits the budget.

    Raises ProblemError with what the task's own Python said, where no size works.
    """
    file = cache_folder("tasks") / f"{_key(task, shrink)}.json"
    known = _read(file)
    if known is None:
        with claimed(f"speciate-task-{file.stem}", _PATIENCE_S):
            known = _read(file) or _written(file, _tried(task, shrink))
    return known


def _tried(task: KernelTask, shrink: int | None) -> Sized:
    timed = _Ladder(task).of(task.benches, shrink)
    if task.one_size:
        timed = timed[-1:]
    alike = [each for each in timed if _alike(each, timed[-1])]
    tests = [each for each in _tests(task, timed[-1]) if _alike(each, timed[-1])][:TESTED]
    return Sized(tests=tuple(tests or alike[:1]), timed=_split(alike))


class _Ladder:
    """Tries sizes, each once, from small to large."""

    def __init__(self, task: KernelTask):
        self.task = task
        self._last: TaskError | None = None

    def of(self, benches: Sequence[Listed], shrink: int | None) -> list[Sample]:
        """Return what can be timed, cheapest first: the largest form of each bench, or two forms of a single one."""
        found: dict[str, Sample] = {}
        for bench in benches:
            fitting = list(self._fitting(bench, shrink))
            for each in fitting[-1 if len(benches) > 1 else -2 :]:
                found.setdefault(json.dumps([each.numbers, each.words], sort_keys=True), each)
        if not found:
            told = " ".join(str(self._last).split()) if self._last else "each takes more than the budget of a call"
            hint = "sizes were shrunk by rewriting literals; give --option shrink=FACTOR to choose how far"
            raise ProblemError(f"{self.task.name}: no size of it works here: {told}; {hint}")
        return sorted(found.values(), key=lambda each: each.facts.byte_count)

    def _fitting(self, bench: Listed, shrink: int | None) -> Iterator[Sample]:
        seen = None
        for cap in _CAPS if shrink is None else (0,):
            numbers = _resized(self.task, bench, cap, shrink)
            if numbers == seen:
                if cap > max(bench.numbers.values(), default=0):
                    return
                continue
            seen = numbers
            tried = self.tried(Listed(numbers=numbers, words=bench.words))
            if tried is None:
                continue
            if shrink is None and (tried.facts.byte_count > BUDGET_BYTES or tried.facts.cpu_s > BUDGET_S):
                return
            yield tried

    def tried(self, listed: Listed) -> Sample | None:
        """Return what the task makes of the sizes; None where it fails."""
        try:
            facts = facts_of(question_of(self.task, listed))
        except TaskError as fault:
            self._last = fault
            return None
        return Sample(numbers=listed.numbers, words=listed.words, facts=facts)


def _resized(task: KernelTask, listed: Listed, cap: int, shrink: int | None) -> dict[str, int]:
    return {
        name: value if name in task.fixed else capped(value, cap) if shrink is None else divided(value, shrink)
        for name, value in listed.numbers.items()
    }


def _tests(task: KernelTask, largest: Sample) -> Iterator[Sample]:
    """Give the cases that are checked only: the task's tests, or its bench at smaller sizes."""
    ladder, seen = _Ladder(task), [largest.numbers]
    listed = task.tests or (() if task.one_size else task.benches[:1])
    caps = (8 * SMALLEST,) if task.tests else (2 * SMALLEST, SMALLEST)
    for each in listed:
        for cap in caps:
            numbers = _resized(task, each, cap, None)
            if numbers in seen and not task.tests:
                continue
            seen.append(numbers)
            tried = ladder.tried(Listed(numbers=numbers, words=each.words))
            if tried is not None and tried.facts.byte_count <= _TEST_BYTES and tried.facts.cpu_s <= _TEST_S:
                yield tried


def _alike(one: Sample, other: Sample) -> bool:
    """Return whether one contract serves both: the same trees but for whole numbers, the same dtypes and ranks."""
    return _form(one) == _form(other)


def _form(sample: Sample) -> object:
    facts = sample.facts
    kinds = [(each.dtype, len(each.shape)) for each in (*facts.tensors, *facts.state, *facts.outputs)]
    names = [each.name for each in facts.state]
    return _blank(facts.args), _blank(facts.init), kinds, names, facts.returns, facts.written, facts.exact


def _blank(tree: object) -> object:
    if isinstance(tree, list) and len(tree) == 2 and tree[0] == "v" and type(tree[1]) is int:
        return "number"
    return [_blank(each) for each in tree] if isinstance(tree, list) else tree


def _split(samples: Sequence[Sample]) -> dict[Split, tuple[Sample, ...]]:
    """Return what each split times: sizes of its own as far as there are so many."""
    down = list(samples)[::-1]
    if len(down) < 3:
        return {"train": (down[0],), "validation": (down[-1],), "heldout": tuple(samples)}
    rest = down[4:] or down[:1]
    return {"train": tuple(down[0:4:2][::-1]), "validation": tuple(down[1:4:2][::-1]), "heldout": tuple(rest[:2][::-1])}


def _key(task: KernelTask, shrink: int | None) -> str:
    listed = [each.model_dump() for each in (*task.tests, *task.benches)]
    sources = [dict(task.sources(each.numbers)) for each in task.benches]
    told = [task.form, task.name, sources, listed, shrink, BUDGET_BYTES, BUDGET_S, processor(), _torch()]
    told.append(oracle_text())  # What was told by another one is not read.
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


def _torch() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        raise ProblemError("tasks of other frameworks need torch; install it: pip install 'speciate[real]'") from None


def _read(file: os.PathLike[str]) -> Sized | None:
    try:
        with open(file, encoding="utf-8") as text:
            return Sized.model_validate_json(text.read())
    except (OSError, ValueError):
        return None


def _written(file: os.PathLike[str], found: Sized) -> Sized:
    folder = os.path.dirname(file)
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".", delete=False, encoding="utf-8") as out:
        out.write(found.model_dump_json())
    os.replace(out.name, file)
    return found
