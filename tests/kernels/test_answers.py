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


def test_of_equal_logits_the_lower_place_is_chosen_first() -> None:
    problem = made("moe_gating")
    sizes = {"tokens": 40, "stride": 130}
    rng = np.random.default_rng(5)
    seen = 0
    for distribution in ("sparse", "normal", "offset"):
        inputs = problem.inputs(sizes, distribution, rng)
        assert np.isnan(inputs["logits"][:, 128:]).all()
        truth = truth_of(problem, inputs, sizes)
        for token, row in enumerate(inputs["logits"][:, :128].tolist()):
            places = sorted(range(128), key=lambda place: (-row[place], place))[:8]
            assert truth.outputs["chosen"][token].tolist() == places
            powers = [math.exp(logit - max(row)) for logit in row]
            expected = [powers[place] / math.fsum(powers) for place in places]
            assert truth.outputs["weights"][token].tolist() == pytest.approx(expected, rel=1e-12)
            seen += len({row[place] for place in places}) < 8
        backwards = {name: values.copy() for name, values in truth.outputs.items()}
        backwards["chosen"][0, :2] = backwards["chosen"][0, 1::-1]
        assert truth.worst(backwards)[0] == np.inf
    assert seen > 10
