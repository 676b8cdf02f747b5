"""A task of another framework as a problem of ours, judged as every kernel is."""

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._contract import Candidate, SourceFile
from .._errors import CandidateFault, ProblemError
from .._problem import Baseline
from ..kernel import Arrays, Kernel, KernelProblem, Sizes
from ..kernel._arena import laid
from ..kernel._bars import BarError
from ._bar import REFERENCE, ReferenceBar
from ._interface import TaskInterface
from ._layout import layout_of
from ._oracle import answered, drawn
from ._sizing import question_of, sized
from ._task import KernelTask, Sample
from ._text import text_of

_ENTRIES = {"python": "kernel.py", "cpp": "kernel.cpp"}
"""By the word that the option ``language`` takes."""
_OPTIONS = ("language", "seed", "shrink")


class Drawn(dict[str, np.ndarray[Any, Any]]):
    """Inputs that the task drew, and from which seed: its own Python answers them without being sent them."""

    def __init__(self, arrays: Mapping[str, np.ndarray[Any, Any]], seed: int):
        super().__init__(arrays)
        self.seed = seed


class TaskProblem(KernelProblem):
    """A foreign task. Its own Python never runs in this process: a sandbox draws inputs and answers for it.

    Args:
        task: what its files say.
        file: the task's file, for its folder.
        options: ``shrink``, a whole number that sizes are divided by; without it they are shrunk until they fit.
            ``language``: ``python`` (the task's own contract) or ``cpp`` (pointers to the tensors of its call), with
            which goes ``seed``, a file that the search starts from.

    Raises ProblemError for options it does not know, and where the task does not work here.
    """

    family = "tasks"
    limits = KernelProblem.limits.model_copy(update={"start_wall_s": 240.0})
    """Torch takes over a second of CPU time to load, which is many seconds where a machine is busy."""

    def __init__(self, task: KernelTask, file: Path, options: Mapping[str, str]):
        self._task, self._folder = task, file.resolve().parent
        self.name, self.title = task.name, task.title
        told = _read(task, options)
        self._seed = told.seed
        cases = sized(task, told.shrink)
        layout = layout_of(task, cases.samples)
        self._answered: tuple[Drawn, list[Any], list[Any]] | None = None
        self._order = layout.order
        self._cases = {tuple(sizes.values()): sample for sizes, sample in layout.cases}
        by_numbers = {repr((sample.numbers, sample.words)): sizes for sizes, sample in layout.cases}

        def sizes_of(samples: Sequence[Sample]) -> list[Sizes]:
            found = (by_numbers.get(repr((each.numbers, each.words))) for each in samples)
            return [each for each in found if each is not None]

        self.sizes = {  # type: ignore[misc]
            split: {_LETTERS[k]: sizes for k, sizes in enumerate(sizes_of(samples) or [layout.cases[-1][0]])}
            for split, samples in cases.timed.items()
        }
        self.test_sizes = sizes_of(cases.tests) or [layout.cases[0][0]]  # type: ignore[misc]
        self.bars = (REFERENCE,)  # type: ignore[misc]
        self._exact = cases.samples[0].facts.exact
        in_python = told.language == "python"
        self.interface = TaskInterface(
            language="python" if in_python else "c++",
            tool="torch" if in_python else "g++",
            entry=_ENTRIES[told.language],
            function=task.entry if in_python else "kernel",
            style=task.style,
            parameters=task.parameters,
            inputs=layout.inputs,
            outputs=layout.outputs,
            sizes=layout.sizes,
            contract=layout.contract,
        )

    @property
    def folder(self) -> Path:
        """Where the task lies."""
        return self._folder

    @property
    def least_error(self) -> float:
        """The task's tolerance where only its own dtype can be reckoned, else 0."""
        return 0.0 if self._exact else self._task.tolerance

    @cached_property
    def arena_bytes(self) -> int:
        """Memory that a kernel shares with the judge: all calls of the largest timing, and checked ones anywhere."""
        checked = max(laid(self.interface, sizes).end for sizes in self.test_sizes)
        return max(super().arena_bytes, checked) + _ANYWHERE_BYTES

    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> Arrays:
        """Return what the task draws for a seed that nobody knows. The distribution is the task's own."""
        sample, seed = self._sample(sizes), int(rng.integers(0, 1 << 31))
        arrays = drawn(question_of(self._task, sample, seed), sample.facts)
        buffers = self.interface.inputs
        named = {
            buffer.name: arrays[place].reshape(buffer.dimensions(sizes))
            for buffer, place in zip(buffers, self._order, strict=True)
        }
        return Drawn(named, seed)

    def reference(self, inputs: Arrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> Arrays:
        """Return what the task answers to inputs that it drew: reckoned in float64, or for any other dtype its own."""
        if not isinstance(inputs, Drawn):
            raise ValueError("expected inputs that this task drew")
        sample = self._sample(sizes)
        if self._answered is None or self._answered[0] is not inputs:
            # Both forms are asked for one after the other; the task reckons them together.
            self._answered = (inputs, *answered(question_of(self._task, sample, inputs.seed), sample.facts))
        found = self._answered[1 if dtype is np.float64 else 2]
        return {
            buffer.name: values.reshape(buffer.dimensions(sizes)).astype(_wide(values, dtype))
            for buffer, values in zip(self.interface.outputs, found, strict=True)
        }

    def _sample(self, sizes: Sizes) -> Sample:
        return self._cases[tuple(sizes[name] for name in self.interface.sizes)]

    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw one of the checked cases: only the values are hidden, since a task answers for the sizes it lists."""
        return self.test_sizes[int(rng.integers(0, len(self.test_sizes)))]

    def terms(self, sizes: Sizes) -> int:
        """Return the longest axis of any input: what is summed is not known, and seldom longer."""
        return max(max(buffer.dimensions(sizes)) for buffer in self.interface.inputs)

    def seed(self) -> Candidate:
        """Return the reference under the task's contract; in C++ the file that was named."""
        if self._seed is None:
            return self.written_reference()
        files = (SourceFile(path=self.interface.entry, text=self._seed),)
        return Candidate(files=files, language="c++", proposer="human", operator="seed")

    def written_reference(self) -> Candidate:
        """Return the reference under the task's contract."""
        text = self._task.seed(self._sample(next(iter(self.sizes["train"].values()))).numbers)
        files = (SourceFile(path=_ENTRIES["python"], text=text),)
        return Candidate(files=files, language="python", proposer="human", operator="seed")

    def baselines(self) -> Sequence[Baseline]:
        """Return the reference; in C++ the seed."""
        if self._seed is not None:
            return (Baseline(name="seed", title="The file that the search starts from", candidate=self.seed()),)
        return (Baseline(name=REFERENCE, title="The task's own reference", candidate=self.seed()),)

    def experts(self) -> Sequence[Baseline]:
        """Return none."""
        return ()

    def brief(self) -> str:
        """Return the task in its authors' code, the goal and the contract."""
        goal = f"{self.objective.direction} {self.objective.name} ({self.objective.unit})"
        told = f"# {self.title}\n\n{self._task.about}"
        return f"{told}\n\n## Goal\n\n{goal}.\n\n## Interface\n\n{self.interface.description()}\n"

    @property
    def bar_names(self) -> tuple[str, ...]:
        """The reference alone."""
        return (REFERENCE,)

    def bar_texts(self) -> list[str]:
        """Return the reference's text."""
        return [self.written_reference().source]

    def open_bar(self, name: str, kernel: Kernel) -> ReferenceBar:
        """Start the reference in a sandbox beside the kernel's. Raises BarError."""
        under_contract = copy.copy(self)
        own = {"language": "python", "tool": "torch", "entry": _ENTRIES["python"], "function": self._task.entry}
        under_contract.interface = self.interface.model_copy(update=own)
        try:
            return ReferenceBar(name, kernel.beside(under_contract, self.written_reference()))
        except CandidateFault as fault:
            raise BarError(f"bar {name}: {fault}") from fault


_LETTERS = "SMLX"
_ANYWHERE_BYTES = 64 << 10
"""By how much a checked case may begin later, and its buffers lie further apart."""


def _wide(values: np.ndarray[Any, Any], dtype: type[np.floating[Any]]) -> np.dtype[Any]:
    return np.dtype(np.float64 if dtype is np.float64 else values.dtype) if values.dtype.kind == "f" else values.dtype


class _Told(NamedTuple):
    """The options of a task."""

    language: str
    shrink: int | None
    seed: str | None
    """Text of the C++ that a search starts from."""


def _read(task: KernelTask, options: Mapping[str, str]) -> _Told:
    strange = sorted(set(options) - set(_OPTIONS))
    if strange:
        raise ProblemError(f"{task.name}: expected the options {', '.join(_OPTIONS)}, got {', '.join(strange)}")
    language, shrink, seed = options.get("language", "python"), options.get("shrink"), options.get("seed")
    if language not in _ENTRIES:
        raise ProblemError(f"{task.name}: option language: expected one of {', '.join(_ENTRIES)}, got {language!r}")
    if (language == "cpp") != (seed is not None):
        raise ProblemError(f"{task.name}: expected options language=cpp and seed=FILE together: a task brings no C++")
    if shrink is not None and not (shrink.isdigit() and 1 <= int(shrink) <= 1 << 20):
        raise ProblemError(f"{task.name}: option shrink: expected a whole number of at least 1, got {shrink!r}")
    return _Told(language, None if shrink is None else int(shrink), None if seed is None else text_of(Path(seed)))
