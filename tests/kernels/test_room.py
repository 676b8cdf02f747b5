"""Every kernel problem of the room: what does not do its work is wrong on it, what ships with it is right."""

import importlib
import pkgutil
import re
import runpy
from collections.abc import Callable

import numpy as np
import pytest
import speciate.kernels
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    KernelArrays,
    KernelProblem,
    Place,
    Sandbox,
    Sizes,
    evaluator_of,
)
from speciate.evaluators.kernel._checks import cases, truth_of, verify

ROOM = [module.name for module in pkgutil.iter_modules(speciate.kernels.__path__) if module.ispkg]
FOLDERS = sorted(name for name in ROOM if not name.startswith("numeric"))
"""Those of numerics are formulas, with tests of their own."""


def made(folder: str, language: str = "cpp") -> KernelProblem:
    found = importlib.import_module(f"speciate.kernels.{folder}").problem({"language": language})
    assert isinstance(found, KernelProblem)
    return found


PROBLEMS = [made(folder) for folder in FOLDERS]
HALVES = [each for each in PROBLEMS if re.search(r"(?:double|float) \w+ = 0\.0f?;", each.seed().source)]
FLOATS = [each for each in PROBLEMS if any(buffer.dtype == "float32" for buffer in each.interface.outputs)]
HALF = "#include <cmath>\nnamespace std { inline float log(_Float16 x) { return log((float)x); } }\n"
"""What the standard library lacks for a type of 11 bits."""
Answer = Callable[[KernelProblem, KernelArrays, Sizes], KernelArrays]


def named(problem: KernelProblem) -> str:
    return problem.name


def answered_by(problem: KernelProblem, answer: Answer) -> list[float]:
    """Return the largest error of each case, as a share of what is allowed."""
    rng = np.random.default_rng(7)
    found = []
    with np.errstate(all="ignore"):
        for case in cases(problem, rng):
            inputs = problem.inputs(case.sizes, case.distribution, rng)
            outputs = answer(problem, inputs, case.sizes)
            told = {each.name: outputs[each.name].astype(each.dtype) for each in problem.interface.outputs}
            found.append(truth_of(problem, inputs, case.sizes).worst(told)[0])
    return found


def filled(value: float) -> Answer:
    def answer(problem: KernelProblem, inputs: KernelArrays, sizes: Sizes) -> KernelArrays:
        return {each.name: np.full(each.dimensions(sizes), value) for each in problem.interface.outputs}

    return answer


def first_input(problem: KernelProblem, inputs: KernelArrays, sizes: Sizes) -> KernelArrays:
    source = inputs[problem.interface.inputs[0].name]
    return {each.name: np.resize(source, each.dimensions(sizes)) for each in problem.interface.outputs}


def half(problem: KernelProblem, inputs: KernelArrays, sizes: Sizes) -> KernelArrays:
    found = problem.reference(inputs, sizes, np.float64)
    for values in found.values():
        values.reshape(-1)[values.size // 2 :] = 0
    return found


def shortened(values: np.ndarray) -> np.ndarray:
    """Return the values with 8 of their 24 bits."""
    if values.dtype.kind != "f":
        return values
    return (values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def short_answers(problem: KernelProblem, inputs: KernelArrays, sizes: Sizes) -> KernelArrays:
    return {name: shortened(values) for name, values in problem.reference(inputs, sizes, np.float64).items()}


def short_inputs(problem: KernelProblem, inputs: KernelArrays, sizes: Sizes) -> KernelArrays:
    return problem.reference({name: shortened(values) for name, values in inputs.items()}, sizes, np.float64)


def half_precision(problem: KernelProblem, inputs: KernelArrays, sizes: Sizes) -> KernelArrays:
    return problem.reference(inputs, sizes, np.float16)


WRONG = {
    "nothing": filled(np.nan),
    "zeros": filled(0.0),
    "ones": filled(1.0),
    "its first input": first_input,
    "half of it": half,
}
SHORT = {
    "answers cut to bfloat16": short_answers,
    "inputs cut to bfloat16": short_inputs,
    "reckoned in float16": half_precision,
}


@pytest.mark.parametrize("problem", PROBLEMS, ids=named)
@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_what_does_not_do_its_work_is_wrong(problem: KernelProblem, answer: Answer) -> None:
    with np.errstate(all="ignore"):
        assert max(answered_by(problem, answer)) > 1.0


@pytest.mark.parametrize("problem", FLOATS, ids=named)
@pytest.mark.parametrize("answer", SHORT.values(), ids=SHORT)
def test_what_is_reckoned_with_fewer_digits_is_wrong(problem: KernelProblem, answer: Answer) -> None:
    with np.errstate(all="ignore"):
        assert max(answered_by(problem, answer)) > 1.0


@pytest.mark.parametrize("problem", PROBLEMS, ids=named)
def test_float32_is_right(problem: KernelProblem) -> None:
    assert max(answered_by(problem, lambda *call: problem.reference(*call[1:], np.float32))) <= 1.0


@pytest.mark.parametrize("problem", PROBLEMS, ids=named)
def test_the_plain_form_in_python_is_right(problem: KernelProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreted here; compiled where it is judged."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    kernel = runpy.run_path(str(problem.folder / "seed.py"))[problem.interface.function]

    def answer(problem: KernelProblem, inputs: KernelArrays, sizes: Sizes) -> KernelArrays:
        interface = problem.interface
        outputs = {each.name: np.full(each.dimensions(sizes), np.nan, each.dtype) for each in interface.outputs}
        given = [inputs[each.name] for each in interface.inputs]
        kernel(*given, *outputs.values(), *map(sizes.get, interface.sizes), *interface.scalars.values())
        return outputs

    assert max(answered_by(problem, answer)) <= 1.0


@pytest.mark.parametrize("problem", PROBLEMS, ids=named)
def test_the_plain_form_and_our_best_in_cpp_are_right(problem: KernelProblem, bubblewrap: Sandbox) -> None:
    experts = problem.experts()
    assert experts
    for candidate in (problem.seed(), *(each.candidate for each in experts)):
        check(problem, candidate, bubblewrap)


@pytest.mark.parametrize("problem", HALVES, ids=named)
def test_sums_in_half_precision_are_found_out(problem: KernelProblem, bubblewrap: Sandbox) -> None:
    seed = problem.seed()
    text = HALF + re.sub(r"(?:double|float) (\w+) = 0\.0f?;", r"_Float16 \1 = 0;", seed.source)
    short = seed.model_copy(update={"files": (seed.files[0].model_copy(update={"text": text}),)})
    with pytest.raises(CandidateFault, match="incorrect"):
        check(problem, short, bubblewrap)


def check(problem: KernelProblem, candidate: Candidate, sandbox: Sandbox) -> None:
    evaluator = evaluator_of("kernel")
    assert evaluator.screen(problem, candidate) is None
    with evaluator.open(problem, candidate, Place(problem.limits, sandbox)) as session:
        assert verify(problem, session.subject) <= 1.0


def test_no_size_that_is_timed_is_in_two_splits() -> None:
    for problem in PROBLEMS:
        timed = [tuple(sizes.values()) for split in problem.sizes.values() for sizes in split.values()]
        assert len(timed) == len(set(timed)), problem.name
