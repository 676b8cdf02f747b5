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


def offset_case(folder: str, columns: int):
    problem = made(folder)
    sizes = {"rows": 6, "columns": columns, "stride": columns}
    inputs = problem.inputs(sizes, "offset", np.random.default_rng(4))
    return inputs, truth_of(problem, inputs, sizes)


def test_a_mean_in_float_is_wrong_where_rows_lie_far_from_zero_and_one_that_is_mended_is_right() -> None:
    inputs, truth = offset_case("layernorm", 1500)
    x, epsilon = inputs["x"], np.float32(1e-5)

    def normalised(mean, variance):
        return {"out": (x - mean) / np.sqrt(variance + epsilon) * inputs["weight"] + inputs["bias"]}

    mean = x.mean(axis=1, keepdims=True)
    missed = (x - mean).mean(axis=1, keepdims=True)
    variance = np.square(x - mean).mean(axis=1, keepdims=True)
    squares = np.square(x).mean(axis=1, keepdims=True)
    assert truth.worst(normalised(mean, np.abs(squares - np.square(mean))))[0] > 100
    assert truth.worst(normalised(mean, variance))[0] > 1
    mended = {"out": ((x - mean) - missed) / np.sqrt(variance + epsilon) * inputs["weight"] + inputs["bias"]}
    assert truth.worst(mended)[0] <= 1


def test_logits_from_which_no_maximum_was_taken_overflow() -> None:
    inputs, truth = offset_case("cross_entropy", 700)
    x = inputs["x"]
    most = x.max(axis=1)
    chosen = x[np.arange(6), inputs["target"]]
    total = np.log(np.exp(x - most[:, None]).sum(axis=1))
    assert truth.worst({"loss": total - (chosen - most)})[0] <= 1
    with np.errstate(over="ignore"):
        assert truth.worst({"loss": np.log(np.exp(x).sum(axis=1)) - chosen})[0] == np.inf


def test_gates_far_below_zero_close_and_none_is_lost() -> None:
    problem = made("swiglu")
    x = np.array([[[-1e4, -200.0, 0.0, 30.0], [3.0, 3.0, 3.0, 3.0]]], dtype=np.float32)
    out = problem.reference({"x": x}, {"rows": 1, "columns": 4}, np.float32)["out"]
    assert out.tolist() == [[0.0, 0.0, 0.0, 90.0]]


def test_a_rotation_keeps_the_length_of_every_pair() -> None:
    problem = made("rope")
    sizes = {"tokens": 5, "heads": 3, "half": 7, "width": 42, "stride": 45}
    inputs = problem.inputs(sizes, "normal", np.random.default_rng(2))
    out = problem.reference(inputs, sizes, np.float64)["out"]
    before, after = (each.reshape(5, 3, 2, 7) for each in (inputs["x"][:, :42].astype(np.float64), out))
    assert np.square(after).sum(axis=2) == pytest.approx(np.square(before).sum(axis=2), rel=1e-6)
    assert not np.allclose(after, before, atol=0.1)
    still = {**inputs, "cosine": np.ones((5, 7), np.float32), "sine": np.zeros((5, 7), np.float32)}
    assert np.array_equal(problem.reference(still, sizes, np.float64)["out"], inputs["x"][:, :42])
