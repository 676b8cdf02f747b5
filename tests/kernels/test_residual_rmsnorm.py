"""The problem ``residual-rmsnorm``: its reference, its cases, and every kernel that it ships."""

import math

import numpy as np
import pytest
from speciate.evaluators import Candidate, Place, ProblemError, Sandbox, evaluator_of
from speciate.evaluators.kernel._checks import verify
from speciate.kernels.residual_rmsnorm import problem

CPP = problem({})
NUMBA = problem({"language": "numba"})


def test_the_reference_is_the_formula_of_the_brief() -> None:
    sizes = {"rows": 3, "columns": 7, "stride": 9}
    inputs = CPP.inputs(sizes, "pareto", np.random.default_rng(1))
    found = CPP.reference(inputs, sizes, np.float64)
    for row in range(3):
        total = [float(inputs["x"][row, i]) + float(inputs["residual"][row, i]) for i in range(7)]
        norm = math.sqrt(math.fsum(value * value for value in total) / 7 + 1e-5)
        assert found["total"][row].tolist() == total
        for i in range(7):
            assert found["out"][row, i] == pytest.approx(total[i] / norm * float(inputs["weight"][i]), rel=1e-12)


def test_what_lies_between_rows_is_no_number() -> None:
    inputs = CPP.inputs({"rows": 4, "columns": 5, "stride": 8}, "normal", np.random.default_rng(1))
    for name in ("x", "residual"):
        assert np.isnan(inputs[name][:, 5:]).all()
        assert np.isfinite(inputs[name][:, :5]).all()


def test_splits_differ_in_their_sizes_and_hidden_ones_vary() -> None:
    seen = [tuple(w.params.values()) for split in ("train", "validation", "heldout") for w in CPP.workloads(split)]
    assert len(seen) == len(set(seen)) == 7
    rng = np.random.default_rng(2)
    hidden = [CPP.hidden_sizes(rng) for _ in range(50)]
    assert any(each["stride"] > each["columns"] for each in hidden)
    assert len({each["columns"] % 16 for each in hidden}) > 8


@pytest.mark.parametrize("design", [*CPP.baselines(), *CPP.experts()], ids=lambda design: design.name)
def test_every_kernel_in_cpp_is_right(design, bubblewrap: Sandbox) -> None:
    check(CPP, design.candidate, bubblewrap)


def test_the_kernels_in_python_are_right(bubblewrap: Sandbox) -> None:
    pytest.importorskip("numba")
    contenders = [each for each in NUMBA.baselines() if not each.control]
    assert len(contenders) >= 3
    for design in contenders:
        check(NUMBA, design.candidate, bubblewrap)


def check(made, candidate: Candidate, sandbox: Sandbox) -> None:
    evaluator = evaluator_of("kernel")
    assert evaluator.screen(made, candidate) is None
    with evaluator.open(made, candidate, Place(made.limits, sandbox)) as session:
        assert verify(made, session.subject) <= 1.0


def test_the_last_column_and_the_gap_between_rows_are_looked_at(bubblewrap: Sandbox) -> None:
    seed = CPP.seed()
    for right, wrong in (("i < columns", "i < columns - 1"), ("row * stride", "row * columns")):
        text = seed.source.replace(right, wrong)
        assert text != seed.source
        spoiled = seed.model_copy(update={"files": (seed.files[0].model_copy(update={"text": text}),)})
        with pytest.raises(Exception, match="incorrect"):
            check(CPP, spoiled, bubblewrap)


def test_an_unknown_language_is_one_clear_line() -> None:
    with pytest.raises(ProblemError, match="option language: expected one of cpp, numba, triton, cuda, got 'rust'"):
        problem({"language": "rust"})
