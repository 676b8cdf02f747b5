"""Which known form is best on this machine at these sizes: found once, written down, the same for all candidates."""

import hashlib
import json
import os
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from .._claims import claimed
from .._errors import ProblemError
from ._arena import POISONS, Contents, guard_words
from ._bars import BarError, Form, kept_bar, release_bar
from ._build import cache_folder, processor
from ._checks import truth_of
from ._interface import Sizes
from ._pages import SMALL_PAGES, in_huge_pages
from ._race import IMPOSSIBLE, TIMED, slots_of
from ._session import Lap
from ._timing import calls_of, copy_s, on_core, timing_lock

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel

_ROUNDS = 9
"""In which every bar is run once; the first is to warm up."""
_HOPELESS = 3.0
"""A bar that takes so many times as long as the quickest in the first round is not run again."""
_PATIENCE_S = 60.0
"""How long others, who find out the same at the same time, are waited for."""
_LIBRARIES = ("numpy", "torch")


class BestBar(NamedTuple):
    """The bar that counts, started."""

    name: str
    runner: Form
    key: tuple[object, ...]
    """Under which it is kept."""


class Choice(NamedTuple):
    """What each bar took when one was chosen."""

    seconds: dict[str, float]
    """Median time of one call, of those that run here and are right."""
    absent: dict[str, str]
    """Why the others do not."""
    copy_s: float
    """Of copying as many bytes as a call must move, at best."""

    @property
    def best(self) -> str:
        """Name of the quickest."""
        return min(self.seconds, key=lambda name: self.seconds[name])


class Ground(Protocol):
    """Where bars are run and timed: a core, or a GPU."""

    told: str
    """What their times depend on."""

    @property
    def place(self) -> object:
        """Where a started bar stays."""

    def open(self, name: str) -> Form:
        """Start a bar. Raises BarError where it does not run here."""

    def calls(self, sizes: Sizes) -> int:
        """Return how many calls one timing is made of."""

    def seconds(self, lap: Lap) -> float:
        """Return what counts."""

    def held(self) -> AbstractContextManager[object]:
        """Hold what is needed for all timings of a choice."""

    def quiet(self) -> AbstractContextManager[object]:
        """Hold what is needed for one timing."""

    def copy_s(self, size: int) -> float:
        """Return the least seconds in which ``size`` bytes are moved."""


def core_told(*, huge: bool) -> str:
    """Return what times on a core of this machine depend on; ``huge`` is for the pages that buffers lie in."""
    return processor() if huge else f"{processor()}, {SMALL_PAGES}"


class Core:
    """A core of this machine; CPU time counts, which a busy machine leaves as it is. A ``Ground``."""

    def __init__(self, problem: "KernelProblem", kernel: "Kernel"):
        self.told = core_told(huge=in_huge_pages(kernel.arena.reached))
        self.place = kernel.cpu, kernel.arena.reached
        self._problem = problem
        self._kernel = kernel

    def open(self, name: str) -> Form:
        """Start a bar on the kernel's core. Raises BarError where it does not run here."""
        return self._problem.open_bar(name, self._kernel)

    def calls(self, sizes: Sizes) -> int:
        """Return how many calls one timing is made of."""
        return calls_of(self._problem, sizes)

    def seconds(self, lap: Lap) -> float:
        """Return its CPU time."""
        return lap.cpu_s

    def held(self) -> AbstractContextManager[object]:
        """Keep this thread to the core."""
        return on_core(self._kernel.cpu)

    def quiet(self) -> AbstractContextManager[object]:
        """Hold the timing lock."""
        return timing_lock()

    def copy_s(self, size: int) -> float:
        """Return the least seconds in which this core moves ``size`` bytes."""
        return copy_s(size)


def best_bar(problem: "KernelProblem", ground: Ground, sizes: Sizes) -> BestBar:
    """Return the quickest bar at ``sizes``, measured there or read from where it was written down.

    Raises ProblemError where none runs there and is right.
    """
    file = cache_folder("bars") / f"{_key(problem, sizes, ground.told)}.json"
    choice = _read(file)
    if choice is None:
        with claimed(f"speciate-bars-{file.stem}", _PATIENCE_S), ground.held():
            choice = _read(file) or _written(file, _measured(problem, ground, sizes))
    if not choice.seconds:
        raise ProblemError(f"{problem.name}: expected a bar that runs here, got none: {choice.absent}")
    return BestBar(choice.best, _bar(problem, ground, choice.best), _kept_as(problem, ground, choice.best))


def floor_of(problem: "KernelProblem", sizes: Sizes, told: str) -> float | None:
    """Return the least time of any kernel at ``sizes``, in units of the best bar's; None before a judging there.

    It is a fraction of the time of a plain copy of as many bytes. ``told`` is the ground's.
    """
    choice = _read(cache_folder("bars") / f"{_key(problem, sizes, told)}.json")
    return choice.copy_s / IMPOSSIBLE / choice.seconds[choice.best] if choice and choice.seconds else None


def _bar(problem: "KernelProblem", ground: Ground, name: str) -> Form:
    return kept_bar(_kept_as(problem, ground, name), lambda: ground.open(name))


def _kept_as(problem: "KernelProblem", ground: Ground, name: str) -> tuple[object, ...]:
    return problem.name, problem.version, name, ground.place, problem.arena_bytes


def _measured(problem: "KernelProblem", ground: Ground, sizes: Sizes) -> Choice:
    ready: dict[str, _Ready] = {}
    absent: dict[str, str] = {}
    for name in problem.bar_names:
        try:
            ready[name] = _made_ready(problem, _bar(problem, ground, name), ground, sizes)
        except BarError as error:
            absent[name] = str(error)
    seconds = _in_turns(ready)
    with ground.quiet():
        choice = Choice(seconds, absent, ground.copy_s(problem.moved_bytes(sizes)))
    for name in {*problem.bar_names} - {choice.best if seconds else ""}:
        release_bar(_kept_as(problem, ground, name))
    return choice


class _Ready(NamedTuple):
    """A bar whose answers are right, with its calls before it."""

    bar: Form
    ground: Ground
    contents: list[Contents]

    def run(self, poison: int) -> float:
        """Return the seconds of one call, each of which finds its inputs anew."""
        for each in self.contents:
            each.write(poison)
        with self.ground.quiet():
            return self.ground.seconds(self.bar.run()) / len(self.contents)


def _made_ready(problem: "KernelProblem", bar: Form, ground: Ground, sizes: Sizes) -> _Ready:
    """Prepare the calls and make them once. Raises BarError for a bar that is wrong."""
    rng = np.random.default_rng(0)
    slots = slots_of(problem.interface, sizes, ground.calls(sizes))
    inputs = problem.inputs(sizes, TIMED, rng)
    ready = _Ready(bar, ground, [Contents(bar.arena, slot, inputs, guard_words(rng)) for slot in slots])
    bar.prepare(slots)
    ready.run(POISONS[0])
    share, where = truth_of(problem, inputs, sizes).worst(ready.contents[0].outputs())
    if not share <= 1.0:
        raise BarError(f"bar {bar.name} is wrong: {where}")
    return ready


def _in_turns(ready: Mapping[str, _Ready]) -> dict[str, float]:
    """Return the median seconds of a call of each.

    They are run in turns: what slows the machine down for a while slows down all of them.
    """
    taken: dict[str, list[float]] = {name: [] for name in ready}
    for i in range(_ROUNDS):
        for name, each in ready.items():
            if i < 2 or taken[name][1] <= _HOPELESS * min(times[1] for times in taken.values()):
                taken[name].append(each.run(POISONS[i % 2]))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def _key(problem: "KernelProblem", sizes: Sizes, ground: str) -> str:
    told: list[object] = [problem.name, problem.version, sorted(sizes.items()), *problem.bar_names, ground]
    told += ["in turns, beside a heap that stays", _ROUNDS]  # a choice that was made in another way is not read
    told += [(name, _version(name)) for name in _LIBRARIES]
    told += problem.bar_texts()
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _read(file: Path) -> Choice | None:
    try:
        return Choice(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _written(file: Path, choice: Choice) -> Choice:
    if not choice.seconds:
        return choice
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".", delete=False, encoding="utf-8") as out:
        json.dump(choice._asdict(), out)
    os.replace(out.name, file)
    return choice
