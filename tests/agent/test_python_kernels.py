"""Changes of kernels in Python: leaves for Numba's compiler, the order of loops, sizes."""

import ast
from random import Random

from speciate.agent._source_genetic import SourceProposer, Workshop
from speciate.evaluators import Candidate, SourceFile
from speciate.kernels.softmax import problem as softmax
from support.row_scale.problem import RowScale

KERNEL = """import numba


@numba.njit
def row_scale(x, y, positive, rows, columns, epsilon):
    for i in range(rows):
        for j in range(columns):
            y[i, j] = x[i, j]
    for i in range(rows):
        for j in range(i):
            positive[i] += j
"""
WORKSHOP = Workshop(RowScale("numba"))


def children(operator: str, text: str = KERNEL) -> set[str]:
    candidate = Candidate(files=(SourceFile(path="kernel.py", text=text),), language="python")
    found = (WORKSHOP.changed(candidate, None, operator, Random(seed)) for seed in range(40))
    return {child.source for child in found if child is not None}


def test_a_compiler_gets_leaves_and_loses_them() -> None:
    found = children("leave")
    decorators = {ast.unparse(node.decorator_list[0]) for each in found for node in ast.parse(each).body[1:]}
    assert "numba.njit(fastmath=True)" in decorators
    assert 'numba.njit(error_model="numpy")'.replace('"', "'") in decorators
    assert len(found) == 4
    given = next(each for each in found if "fastmath=True)" in each)
    assert KERNEL in children("leave", given)
    assert not children("leave", KERNEL.replace("@numba.njit\n", ""))
    assert not children("leave", KERNEL.replace("@numba.njit", "@triton.jit"))


def test_only_loops_that_do_not_depend_on_each_other_are_exchanged() -> None:
    (child,) = children("interchange")
    assert "    for j in range(columns):\n        for i in range(rows):\n            y[i, j] = x[i, j]" in child
    assert child.endswith("        for j in range(i):\n            positive[i] += j\n")


def test_a_size_is_doubled_or_halved_where_it_stands_or_everywhere() -> None:
    text = KERNEL.replace("range(rows)", "range(0, rows, 32)", 1).replace("range(columns)", "range(32, 7)")
    found = children("resize", text)
    assert {each.replace("16", "32").replace("64", "32") for each in found} == {text}
    assert {(each.count("16"), each.count("64")) for each in found} == {(1, 0), (2, 0), (0, 1), (0, 2)}
    assert not children("resize")


def test_a_launch_gets_other_warps_and_stages() -> None:
    text = "import triton\n\n\ndef row_scale(x, y):\n    scale[(9,)](x, y, num_warps=4 if y else 8)\n"
    found = children("launch", text)
    assert text.replace("4 if y else 8", "2") in found
    assert text.replace("8)", "8, num_stages=3)") in found
    assert len(found) == 10
    assert not children("launch")
    arms = SourceProposer(softmax({"language": "triton"}))._weights
    assert {"launch", "resize", "function"} <= set(arms)
    assert not {"leave", "interchange", "condition"} & set(arms)


def test_they_are_drawn_for_kernels_in_python_alone() -> None:
    assert {"leave", "interchange", "resize", "swap"} <= set(SourceProposer(RowScale("numba"))._weights)
