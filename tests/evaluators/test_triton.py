"""Kernels in Triton: what the interpreter would let pass is found, and what is right is checked like any kernel."""

import pytest
from speciate.evaluators import Candidate, CandidateFault, Place, Sandbox, Status, evaluator_of
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._labels import calls_a_library
from support.own_process import TESTS, said
from support.row_softmax import RowSoftmax

pytest.importorskip("triton", reason="triton is not installed: pip install 'speciate[triton]'")

PROBLEM = RowSoftmax("triton")
RACY = TESTS / "hostile" / "kernels" / "triton" / "races_with_itself.py"
HONEST = """
import triton
import triton.language as tl

@triton.jit
def row(x, y, columns, BLOCK: tl.constexpr):
    at = tl.program_id(0) * columns + tl.arange(0, BLOCK)
    inside = tl.arange(0, BLOCK) < columns
    values = tl.load(x + at, mask=inside, other=-float("inf"))
    powers = tl.exp(values - tl.max(values, axis=0))
    tl.store(y + at, powers / tl.sum(powers, axis=0), mask=inside)

def row_softmax(x, y, rows, columns):
    row[(rows,)](x, y, columns, BLOCK=triton.next_power_of_2(columns))
"""


def candidate(source: str) -> Candidate:
    return Candidate.from_source(source, path="kernel.py")


def verified(source: str, sandbox: Sandbox) -> float:
    evaluator = evaluator_of("kernel")
    assert evaluator.screen(PROBLEM, candidate(source)) is None
    with evaluator.open(PROBLEM, candidate(source), Place(PROBLEM.limits, sandbox)) as session:
        assert session.labels == []
        return verify(PROBLEM, session.subject)


def test_what_a_device_would_do_otherwise_is_found() -> None:
    found = said("watched_kernels")
    told = found["told"]
    races = {"increments", "writes_the_same", "reads_what_another_writes", "counts_and_looks"}
    assert {name for name, words in told.items() if "a race: programs" in words} == races
    assert "kernel writes_too_far, program 3: a store to an address outside" in told["writes_too_far"]
    assert "a load from an address outside" in told["reads_too_far"]
    assert "bfloat16" in told["through_bfloat16"]
    assert told["counts"] == told["own_elements"] == ""
    first, second = found["orders"]
    assert sorted(first) == sorted(second) == list(range(64))
    assert first != second
    assert first != sorted(first)
    assert found["products"]["ieee"] < 1e-5 < 1e-4 < found["products"]["tf32"]


def test_an_honest_kernel_is_right(bubblewrap: Sandbox) -> None:
    assert verified(HONEST, bubblewrap) <= 1.0


def test_a_race_that_the_interpreter_hides_is_told(bubblewrap: Sandbox) -> None:
    """Hack 25: run one after the other, its programs are right; on a device they lose each other's sums."""
    assert said("naive_triton", str(RACY)) < 1e-6
    with pytest.raises(CandidateFault, match=r"kernel add, program .*: a race: programs 0 and 1") as caught:
        verified(RACY.read_text(encoding="utf-8"), bubblewrap)
    assert caught.value.status is Status.CRASHED


def test_a_function_that_launches_nothing_is_invalid(bubblewrap: Sandbox) -> None:
    idle = HONEST.replace("    row[(rows,)]", "    x.shape or row[(rows,)]")
    with pytest.raises(CandidateFault, match="launched no kernel") as caught:
        verified(idle, bubblewrap)
    assert caught.value.status is Status.INVALID


def test_work_that_torch_does_beside_a_kernel_is_labelled() -> None:
    assert not calls_a_library(candidate(HONEST), "triton")
    assert calls_a_library(candidate(HONEST + "    y.copy_(x.softmax(-1))\n"), "triton")
