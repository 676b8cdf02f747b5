"""The problems of numerics: references to their last bit, errors counted one by one, and all inputs covered."""

import ast
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from speciate.agent import Budget, RunSettings, open_archive
from speciate.agent._source_genetic import Workshop
from speciate.agent._statements import CANDIDATES
from speciate.evaluators import ProblemError, ProblemRef, Status, Workload, evaluator_of, judge_inline, load_problem
from speciate.evaluators._formula import Formula
from speciate.kernels.numerics import Errors, Inputs, NumericFunction, Sampling, Stretch, bits_of, least_error
from speciate.kernels.numerics._inputs import BLOCK, Part
from speciate.kernels.numerics._references import PRECISION
from speciate.runs._search import new_run
from sqlalchemy import select
from support.minimax_fits import constants

COUNTS = {"numeric-exp": 207807538, "numeric-log": 8388609, "numeric-tanh": 100663297}
NAMES = tuple(COUNTS)


def exact_tanh(x: Decimal) -> Decimal:
    up = (2 * x).exp()
    return (up - 1) / (up + 1)


EXACT: dict[str, Callable[[Decimal], Decimal]] = {
    "numeric-exp": lambda x: x.exp(),
    "numeric-log": lambda x: x.ln(),
    "numeric-tanh": exact_tanh,
}
"""To as many digits as the context has: correctly rounded by the standard library."""


def numeric(name: str) -> NumericFunction:
    problem = load_problem(name)
    assert isinstance(problem, NumericFunction)
    return problem


def subject(name: str, baseline: str) -> Formula:
    problem = numeric(name)
    found = next(each.candidate for each in problem.baselines() if each.name == baseline)
    formula = evaluator_of("formula").inline(problem, found)
    assert isinstance(formula, Formula)
    return formula


def sample(problem: NumericFunction, count: int) -> np.ndarray:
    """Inputs from all over the interval, its ends among them."""
    rng = np.random.default_rng(11)
    found = []
    for stretch in problem.inputs.stretches:
        bits = rng.integers(stretch.first, stretch.last + 1, count // len(problem.inputs.stretches))
        bits = np.concatenate([[stretch.first, stretch.last], bits]).astype(np.uint32)
        found.append(bits.view(np.float32) * np.float32(-1 if stretch.negative else 1))
    return np.concatenate(found)


def ulp(value: Decimal) -> Decimal:
    """The distance of float32 numbers where ``value`` lies, by its definition."""
    exponent = -126
    while Decimal(2) ** (exponent + 1) <= abs(value):
        exponent += 1
    return Decimal(2) ** (exponent - 23)


@pytest.mark.parametrize("name", NAMES)
def test_references_are_exact_to_what_they_say(name: str) -> None:
    problem = numeric(name)
    inputs = sample(problem, 800)
    found = problem.inputs.function(inputs.astype(np.float64))
    with localcontext(prec=40):
        for x, value in zip(inputs.tolist(), found.tolist(), strict=True):
            right = EXACT[name](Decimal(x))
            assert abs(Decimal(value) - right) <= Decimal(PRECISION) * abs(right), x


@pytest.mark.parametrize(
    ("name", "baseline"),
    [("numeric-exp", "minimax-compensated-6"), ("numeric-log", "pade-artanh"), ("numeric-tanh", "pade-less-4")],
)
def test_errors_are_those_that_are_counted_one_by_one(name: str, baseline: str) -> None:
    """The largest and the mean error of a known formula, against 40-digit decimals."""
    problem, formula = numeric(name), subject(name, baseline)
    chunk = next(problem.inputs._replace(stretches=problem.inputs.stretches[-1:]).chunks(Part(5, 64)))
    x = chunk.x[::8, ::16]
    part = chunk._replace(x=x, exact=chunk.exact[::8, ::16], scale=chunk.scale[::8, ::16])
    errors = Errors(formula, [part])
    with localcontext(prec=40):
        counted = []
        for value, answer in zip(x.ravel().tolist(), formula(x).ravel().tolist(), strict=True):
            right = EXACT[name](Decimal(value))
            counted.append(float((Decimal(answer) - right) / ulp(right)))
    assert errors.largest == pytest.approx(max(map(abs, counted)), abs=2.0**-25)
    assert errors.mean == pytest.approx(sum(map(abs, counted)) / len(counted), abs=2.0**-25)
    assert errors.bias == pytest.approx(sum(counted) / len(counted), abs=2.0**-25)
    assert errors.right == sum(abs(each) < 0.5 for each in counted) / len(counted)


@pytest.mark.parametrize("name", NAMES)
def test_the_ends_of_the_intervals_are_where_they_are_said_to_be(name: str) -> None:
    """Nearer to zero the answer is known without any formula: 1 + x, or x itself."""
    problem = numeric(name)
    low, high = problem.inputs.ends
    with localcontext(prec=40):
        if name == "numeric-exp":
            assert high == -low == np.float32(np.log(2.0) / 2.0)
            for x in (2.0**-14, -(2.0**-14)):
                right = Decimal(x).exp()
                # What rounding 1 + x adds is half an ULP at most.
                assert abs(Decimal(1.0 + x) - right) / ulp(right) < Decimal("0.04")
        elif name == "numeric-log":
            assert (low, high) == (np.float32(0.5**0.5), np.float32(2.0**0.5))
        else:
            nearer = float(np.nextafter(np.float32(2.0**-12), np.float32(0.0)))
            assert (low, high) == (2.0**-12, 1.0)
            assert float(np.float32(float(exact_tanh(Decimal(nearer))))) == nearer


def test_parts_are_all_numbers_of_the_interval_once() -> None:
    low, high = bits_of(0.75), bits_of(0.75) + 5 * BLOCK + 100
    inputs = Inputs((Stretch(low, high), Stretch(low, low + BLOCK - 1, negative=True)), np.exp)
    met: list[float] = []
    for number in range(4):
        for chunk in inputs.chunks(Part(number, 4)):
            assert (chunk.exact == np.exp(chunk.x.astype(np.float64))).all()
            met += chunk.x.ravel().tolist()
    expected = np.arange(low, high + 1, dtype=np.uint32).view(np.float32).tolist()
    assert inputs.size == len(expected) + BLOCK
    assert sorted(set(met)) == sorted([*expected, *(-x for x in expected[:BLOCK])])
    # Only what fills the short last block is met twice.
    assert len(met) - inputs.size == BLOCK - (len(expected) - 5 * BLOCK)


@pytest.mark.parametrize("name", NAMES)
def test_heldout_is_every_input_and_train_and_validation_differ(name: str) -> None:
    problem = numeric(name)
    heldout = [(workload.params["part"], workload.params["of"]) for workload in problem.workloads("heldout")]
    assert heldout == [(number, 16) for number in range(16)]
    looked_at = [*problem.workloads("train"), *problem.workloads("validation")]
    searched = [(workload.params["part"], workload.params["of"]) for workload in looked_at]
    assert len(set(searched)) == len(searched) == 4
    assert len({of for _, of in searched}) == 1
    counts = [stretch.last - stretch.first + 1 for stretch in problem.inputs.stretches]
    assert problem.inputs.size == sum(counts) == COUNTS[name]


def test_wrong_order_and_wrong_digits_show() -> None:
    inputs = Inputs((Stretch(bits_of(0.75), bits_of(0.75) + 4 * BLOCK - 1),), lambda x: x)
    problem = numeric("numeric-log")
    read = evaluator_of("formula").inline

    def errors(expression: str) -> Errors:
        seed = problem.seed()
        file = seed.files[0].model_copy(update={"text": f"def log(x):\n    return {expression}\n"})
        return Errors(read(problem, seed.model_copy(update={"files": (file,)})), inputs.chunks(Part(0, 1)))

    assert (errors("x").largest, errors("x").right, errors("x").breaks) == (0.0, 1.0, 0.0)
    assert errors("x + 6e-8").largest == 1.0
    assert errors("1.5 - x").breaks == 1e6
    assert errors("x * 1e30").largest == 2.0**24
    assert least_error(inputs.chunks(Part(0, 1))) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_baselines_are_ok_none_passes_the_bound_and_controls_lose(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = numeric(name)
    monkeypatch.setattr(problem, "sampling", Sampling(every=64))  # a few hundred thousand inputs tell them apart
    workload = problem.workloads("train")[0]
    assert 0.49 < problem.bound(workload) <= 0.5
    scores = {}
    for baseline in problem.baselines():
        word = judge_inline(problem, baseline.candidate)
        assert word.status is Status.OK, (baseline.name, word.detail)
        scores[baseline.name] = word.score or 0.0
    withheld = {each.name for each in problem.baselines() if each.withheld}
    assert withheld == {baseline for baseline in scores if baseline.startswith("minimax-")}
    assert min(scores, key=scores.__getitem__) in withheld
    assert max(scores, key=scores.__getitem__) == "first-order"


@pytest.mark.parametrize("name", NAMES)
def test_minimax_constants_are_what_fitting_them_anew_gives(name: str) -> None:
    for baseline, expected in constants()[name].items():
        found = next(each for each in numeric(name).baselines() if each.name == baseline)
        values = [
            float(np.float32(ast.literal_eval(statement.value)))
            for statement in ast.parse(found.candidate.source).body
            if isinstance(statement, ast.Assign)
        ]
        apart = np.abs(np.array(values) - expected) / np.spacing(np.abs(expected).astype(np.float32))
        assert apart.max() <= 2.0, baseline


def test_a_degree_more_costs_two_operations_and_takes_the_error_down() -> None:
    six, seven = (subject("numeric-exp", f"taylor-horner-{degree}") for degree in (6, 7))
    assert (six.operations, seven.operations) == (12, 14)
    workload: Workload = numeric("numeric-exp").workloads("train")[0]
    worst = [numeric("numeric-exp").measure(formula, workload).objective for formula in (six, seven)]
    # The term left out is x^7/5040 at x = -ln(2)/2, where an ULP is 2^-24.
    assert worst[0] - worst[1] == pytest.approx((np.log(2) / 2) ** 7 / 5040 * 2**24, abs=0.35)


def test_no_search_starts_from_what_is_withheld_nor_draws_on_it(tmp_path: Path) -> None:
    problem = numeric("numeric-tanh")
    withheld = {each.candidate.id for each in problem.baselines() if each.withheld}
    assert not withheld & {candidate.id for candidate in Workshop(problem).library}
    with closing(open_archive(tmp_path / "runs.db", create=True)) as archive:
        settings = RunSettings(problem=ProblemRef(name=problem.name), sandbox="process", budget=Budget(evaluations=20))
        run = new_run(archive, settings)
        with archive.database.read() as connection:
            query = select(CANDIDATES.c.candidate_id).where(CANDIDATES.c.run_id == run.id)
            started = set(connection.execute(query).scalars())
    assert started == {each.candidate.id for each in problem.baselines()} - withheld


def test_options_are_refused() -> None:
    with pytest.raises(ProblemError, match="numeric-exp: expected no options, got degree"):
        load_problem("numeric-exp", {"degree": "7"})
