"""The formula kind: what is read of a text, what it counts, that it is reckoned in float32, and what is refused."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from speciate.evaluators import (
    CandidateFault,
    FormulaInterface,
    JudgeTask,
    ProblemRef,
    Status,
    evaluator_of,
    judge,
    load_problem,
)
from speciate.evaluators._formula import Formula, read_formula
from speciate.evaluators.check._formula_designs import FormulaDesigns

WIDE = FormulaInterface(function="f", operations=40)


def read(body: str, head: str = "") -> Formula:
    return read_formula(f"{head}\ndef f(x):\n    {body}\n", WIDE)


def reckoned(source: str, values: np.ndarray) -> np.ndarray:
    """The same text as Python itself runs it, on float32 scalars one by one: the oracle."""
    names: dict[str, object] = {"abs": np.abs, "min": np.minimum, "max": np.maximum}
    exec(source, names)
    function = names["f"]
    assert callable(function)
    with np.errstate(all="ignore"):
        return np.array([function(value) for value in values], dtype=np.float32)


LEAVES = st.sampled_from(["x", "a", "F(0.1)", "F(3.0)", "F(1e-3)"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda each: f"({each[0]} {each[1]} {each[2]})"),
        inner.map(lambda each: f"(-{each})"),
        inner.map(lambda each: f"abs({each})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda each: f"{each[0]}({each[1]}, {each[2]})"),
    ),
    max_leaves=9,
)


@given(first=EXPRESSIONS, second=EXPRESSIONS)
def test_the_judge_reckons_as_python_does_on_float32_numbers(first: str, second: str) -> None:
    """Bit for bit, whatever is written: each operation rounded by itself, in the order written."""
    text = f"def f(x):\n    a = x * x\n    b = {first}\n    return b - {second}\n"
    values = np.array([0.0, 1.0, -2.5, 1e-30, 3e30, 0.1, -0.7], dtype=np.float32)
    try:
        formula = read_formula(text.replace("F(", "("), WIDE)
    except CandidateFault:
        reject()  # numbers alone came to infinity, or the operations to too many
    expected = reckoned(f"from numpy import float32 as F\n{text}", values)
    np.testing.assert_array_equal(formula(values), expected)


def test_operations_count_once_and_only_where_they_matter() -> None:
    assert (read("return x + x * x / 3.0").operations, read("return x + x * x / 3.0").chain) == (6, 6)
    assert (read("return (x + 1.0) * (x - 1.0)").operations, read("return (x + 1.0) * (x - 1.0)").chain) == (3, 2)
    twice = read("a = x * 0.5 + 1.0\n    unused = a / x\n    return a * (1.0 + 0.5 * x)")
    assert twice.operations == 3
    assert read("return x * (1.0 / A - 2.0)", "A = -0.25").operations == 1
    assert read("return x").operations == read("return 2.0").operations == 0


def test_one_formula_written_two_ways_is_one_behaviour() -> None:
    one = read("s = x * x\n    t = 2.0 + x\n    return s * t", "A = 2.0")
    other = read("return (x + A) * (x * x)", "A = 2.00000000001")
    assert one.digest == other.digest
    assert one.digest != read("return x * x * x + 2.0 * (x * x)").digest
    assert one.digest != read("return (x - -A) * (x * x)", "A = 2.0").digest


REFUSED = {
    "return x ** 2": "a known name",
    "return x @ x": "a known name",
    "return open('/etc/passwd')": "a known name",
    "return (lambda: x)()": "a known name",
    "return x if x > 1.0 else 0.0": "a known name",
    "return [x][0]": "a known name",
    "return min(x)": "a known name",
    "return abs(x=x)": "a known name",
    "return True * x": "a known name",
    "return 1j * x": "a known name",
    "return y": "a known name",
    "return x * 1e39": "the range of float32",
    "return x * (1.0 / 0.0)": "the range of float32",
    "import os\n    return x": "`name = expression`",
    "a, b = x, x\n    return a": "`name = expression`",
    "a = x": "`return expression` at the end",
    "return x\n    a = x": "`return` at the end",
    "while True:\n        a = x\n    return x": "`name = expression`",
    "return": "`name = expression`",
    "return " + " + ".join(f"x * {n}.0" for n in range(2, 30)): "count at most 40 together",
    "return " + "-" * 5000 + "x": "does not parse",
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_is_no_formula_is_refused(body: str) -> None:
    with pytest.raises(CandidateFault, match=REFUSED[body]) as refused:
        read(body)
    assert refused.value.status is Status.INVALID


@pytest.mark.parametrize(
    "source",
    [
        "print('ran')\ndef f(x):\n    return x\n",
        "A = x = 2.0\ndef f(x):\n    return x\n",
        "from math import exp\ndef f(x):\n    return exp(x)\n",
        "def f(x, y=2.0):\n    return x\n",
        "def f(*x):\n    return x\n",
        "@print\ndef f(x):\n    return x\n",
        "def f(x):\n    return x\ndef f(x):\n    return x\n",
        "class f:\n    pass\n",
        "A = 1.0\n",
    ],
)
def test_what_stands_beside_is_refused(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CandidateFault):
        read_formula(source, WIDE)
    assert not capsys.readouterr().out


def test_hostile_texts_are_refused_or_incorrect_and_trivial_ones_lose() -> None:
    """What ``speciate check`` makes of the interface: nothing runs, and nothing without thought is near."""
    ref = ProblemRef(name="numeric-log")
    problem, designs = load_problem("numeric-log"), FormulaDesigns()
    honest = problem.seed()
    for attack in designs.attacks(problem, honest, 0.0, ["/etc/shadow"]):
        word = judge(JudgeTask(problem=ref, candidate=attack.design.candidate))
        assert word.status in (Status.INVALID, Status.INCORRECT), attack.design.name
    first = problem.workloads("train")[0].name
    for design in (*designs.constants(problem), *designs.rules(problem, honest)):
        word = judge(JudgeTask(problem=ref, candidate=design.candidate, only=(first,)))
        assert word.score is not None
        assert word.score > 1e5, design.name


def test_a_formula_needs_no_sandbox_of_its_own_and_measures_inline_alike() -> None:
    problem = load_problem("numeric-exp")
    evaluator = evaluator_of("formula")
    assert evaluator.screen(problem, problem.seed()) is None
    assert evaluator.recorded_probe(problem) is None
    subject = evaluator.inline(problem, problem.seed())
    values = np.float32([Random(3).uniform(-0.3, 0.3) for _ in range(5)])
    np.testing.assert_allclose(subject(values), np.exp(values.astype(float)), rtol=1e-6)
