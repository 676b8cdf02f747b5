"""Is what a kernel answered right? Decided here, against a reference in float64 that its process never sees.

An element's error is its distance from the reference, as a share of the element's own size and a thousandth of its
row's (root mean square), so that one near zero is not held to digits that its row does not have. Allowed is ten
times what the same reference errs in float32, and never less than the rounding of a plain sum of that many terms, as a
share of the row's size: where large terms cancel, how near float32 comes is a matter of luck.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._arena import POISONS, Arrays, Contents, guard_words, laid, unwritten
from ._case import DISTRIBUTIONS, Case
from ._extent import extent
from ._interface import Sizes

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Subject

SLACK = 10.0
HIDDEN_CASES = 4
"""Cases whose shapes nobody knows before the judging."""
_SHIFTS = (0, 1, 0, 3)
_EPSILON = 2.0**-24
_FLOOR = 4.0
_ROW_SHARE = 1e-3
_BLOCK = 1 << 15
"""Elements that are compared at a time: they stay in cache."""


class Truth(NamedTuple):
    """What the outputs should be, and how far off they may be."""

    outputs: Arrays
    """In float64, or the integers themselves."""
    allowed: Mapping[str, float]
    """Largest error of each float output."""
    least: float
    """Rounding of a plain sum, allowed of each element as a share of its row's size; 0 where nothing is summed."""

    def worst(self, found: Arrays) -> tuple[float, str]:
        """Return the largest error as a share of what is allowed, and where it is, in words."""
        worst, where = 0.0, ""
        for name, truth in self.outputs.items():
            width = truth.shape[-1] if truth.size else 1
            rows, theirs = truth.reshape(-1, width), found[name].reshape(-1, width)
            step = max(1, _BLOCK // width)
            for start in range(0, len(rows), step):
                share = self._shares(name, theirs[start : start + step], rows[start : start + step])
                if (top := float(share.max(initial=0.0))) > worst:
                    at = start * width + int(share.argmax())
                    place = [int(i) for i in np.unravel_index(at, truth.shape)]
                    worst = top
                    where = f"{name}{place}: expected {truth.flat[at]:.9g}, got {found[name].flat[at]:.9g}"
        return worst, where

    def wrong(self, found: Arrays) -> str:
        """Return which elements err by more than is allowed, in words."""
        shares = {name: self._shares(name, found[name], truth) for name, truth in self.outputs.items()}
        return "; ".join(extent(name, ~(each <= 1.0)) for name, each in shares.items() if not (each <= 1.0).all())

    def alike(self, found: Arrays, others: Arrays, rng: np.random.Generator) -> bool:
        """Return whether a part, drawn anew each time, differs by no more than both may differ from the truth."""
        for name, theirs in others.items():
            width = min(theirs.shape[-1], _BLOCK)
            count = _BLOCK // width
            first = int(rng.integers(0, max(0, theirs.size // width - count) + 1))
            part = slice(first * width, min(first + count, theirs.size // width) * width)
            ours, known = (each.reshape(-1)[part].reshape(-1, width) for each in (found[name], theirs))
            if not self._shares(name, ours, known.astype(self.outputs[name].dtype)).max(initial=0.0) <= 2.0:
                return False
        return True

    def _shares(self, name: str, found: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
        if truth.dtype.kind != "f":
            return np.where(found == truth, 0.0, np.inf)
        allowed = self.allowed[name]
        shares = errors(found, truth, max(_ROW_SHARE, self.least / allowed)) / allowed
        # What is no number is as wrong as can be, and must not hide behind comparisons that it makes false.
        return np.nan_to_num(shares, nan=np.inf, posinf=np.inf)


def errors(found: NDArray[Any], truth: NDArray[Any], row_share: float = _ROW_SHARE) -> NDArray[np.float64]:
    """Return the error of each element, as a share of its size and so much of its row's; the truth in float64."""
    row = np.sqrt(np.mean(np.square(truth), axis=-1, keepdims=True))
    size = np.abs(truth) + row_share * row
    distance = np.abs(found.astype(np.float64) - truth)
    shares: NDArray[np.float64] = np.divide(distance, size, out=np.where(distance > 0, np.inf, 0.0), where=size > 0)
    return shares


def truth_of(problem: "KernelProblem", inputs: Arrays, sizes: Sizes) -> Truth:
    """Compute the reference in float64, and what is allowed from its float32 form."""
    exact = problem.reference(inputs, sizes, np.float64)
    single = problem.reference(inputs, sizes, np.float32)
    terms = problem.terms(sizes)
    least = max(problem.least_error, _FLOOR * _EPSILON * terms**0.5)
    allowed = {
        name: max(least, SLACK * float(errors(single[name], truth).max(initial=0.0)))
        for name, truth in exact.items()
        if truth.dtype.kind == "f"
    }
    return Truth(exact, allowed, least if terms > 1 else 0.0)


def cases(problem: "KernelProblem", rng: np.random.Generator) -> list[Case]:
    """Return the cases of one judging: every size the problem lists, and hidden ones."""
    listed = [
        Case(sizes, DISTRIBUTIONS[i % len(DISTRIBUTIONS)], _SHIFTS[i % len(_SHIFTS)])
        for i, sizes in enumerate(problem.test_sizes)
    ]
    drawn = [
        Case(problem.hidden_sizes(rng), str(rng.choice(DISTRIBUTIONS)), int(rng.integers(0, 4)))
        for _ in range(HIDDEN_CASES)
    ]
    return listed + drawn


def drawn_by(seed: int) -> np.random.Generator:
    """Return what a judging is drawn from: its cases first of all."""
    return np.random.default_rng([seed, 1])


def verify(problem: "KernelProblem", kernel: "Subject") -> float:
    """Check a kernel on all cases, each twice; return its largest error as a share of what is allowed.

    Raises CandidateFault: ``incorrect`` for an answer that is wrong, unwritten or other the second time, and for what
    it changed that is not its own.
    """
    rng = drawn_by(kernel.seed)
    kernel.begin()
    worst = 0.0
    for case in cases(problem, rng):
        inputs = problem.inputs(case.sizes, case.distribution, rng)
        first, second = (_called(kernel, case, inputs, poison, rng) for poison in POISONS)
        changed = [name for name in first if first[name].tobytes() != second[name].tobytes()]
        if changed:
            why = "the same call gave other results the second time, or left a part unwritten"
            told = extent(changed[0], first[changed[0]] != second[changed[0]])
            raise kernel.wrong(f"{case.words}: {changed[0]}: {why} ({told})")
        truth = truth_of(problem, inputs, case.sizes)
        share, where = truth.worst(first)
        if not share <= 1.0:
            how = f"{share:.3g} times the error allowed; {truth.wrong(first)}"
            raise kernel.wrong(f"{case.words}: {where} ({how})")
        worst = max(worst, share)
    return worst


def _called(kernel: "Subject", case: Case, inputs: Arrays, poison: int, rng: np.random.Generator) -> Arrays:
    start = int(rng.integers(0, 64)) * 64
    slot = laid(kernel.interface, case.sizes, start, case.shift)
    if slot.end > kernel.arena.size:
        raise ValueError(f"{case.words}: expected a case of at most {kernel.arena.size} bytes, it has {slot.end}")
    contents = Contents(kernel.arena, slot, inputs, guard_words(rng))
    kernel.prepare([slot])
    contents.write(poison)
    kernel.run()
    return answered(kernel, contents, case.words)


def answered(kernel: "Subject", contents: Contents, where: str) -> Arrays:
    """Return copies of a call's outputs. Raises CandidateFault where they are not whole, or something else changed."""
    found = {name: values.copy() for name, values in contents.outputs().items()}
    require_whole(kernel, contents.trespass(), found, where)
    return found


def require_whole(kernel: "Subject", trespass: str | None, found: Arrays, where: str) -> None:
    """Raise CandidateFault for a trespass, or where a call's outputs are not whole."""
    if trespass is not None:
        raise kernel.wrong(f"{where}: the kernel {trespass}")
    missing = unwritten(list(found.items()))
    if missing is not None:
        raise kernel.wrong(f"{where}: {missing}")
