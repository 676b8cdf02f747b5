"""What is peculiar to problems with whole numbers, several outputs or sums that return to zero."""

import importlib
import math

import numpy as np
import pytest
from speciate.evaluators import KernelProblem
from speciate.evaluators.kernel._checks import cases, truth_of


def made(folder: str) -> KernelProblem:
    found = importlib.import_module(f"speciate.kernels.{folder}").problem({})
    assert isinstance(found, KernelProblem)
    return found


def test_bins_are_counted_in_every_kind_of_crowd() -> None:
    problem = made("histogram")
    rng = np.random.default_rng(3)
    top = {}
    for distribution in ("normal", "uniform", "sorted", "pareto", "sparse", "offset"):
        inputs = problem.inputs({"count": 10_000}, distribution, rng)
        counts = problem.reference(inputs, {"count": 10_000}, np.float64)["counts"]
        values = inputs["values"].tolist()
        assert counts.tolist() == [values.count(b) for b in range(256)]
        top[distribution] = int(counts.max())
    assert top["offset"] == 10_000
    assert 5000 <= top["uniform"] <= 5100
    assert 9400 <= top["sparse"] < 10_000
    assert top["sorted"] < 100


def test_a_running_sum_in_float_is_wrong_and_one_in_double_is_right() -> None:
    problem = made("prefix_sum")
    rng = np.random.default_rng(1)
    plain = []
    for case in cases(problem, rng):
        inputs = problem.inputs(case.sizes, case.distribution, rng)
        x, truth = inputs["x"], truth_of(problem, inputs, case.sizes)
        for place in (0, len(x) // 2, len(x) - 1):
            expected = math.fsum(x[: place + 1].tolist())
            assert truth.outputs["out"][place] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        plain.append(truth.worst({"out": np.cumsum(x, dtype=np.float32)})[0])
    assert sum(share > 1.0 for share in plain) >= len(plain) / 2
    assert max(plain) > 100
