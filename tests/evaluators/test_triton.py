"""Kernels in Triton: what the interpreter would let pass is found, and what is right is checked like any kernel."""

import json
from pathlib import Path
from typing import ClassVar

import pytest
from speciate.evaluators import Candidate, CandidateFault, Place, ProblemError, Sandbox, Status, evaluator_of
from speciate.evaluators._room import Rooms
from speciate.evaluators.kernel._checks import verify
from speciate.evaluators.kernel._labels import calls_a_library
from speciate.evaluators.kernel._triton import Launch, read
from speciate.evaluators.kernel._triton_build import Text, assembled, release
from support.own_process import TESTS, said
from support.row_softmax import RowSoftmax

from tests.conftest import needs_triton

PROBLEM = RowSoftmax("triton")
ROWS = {"honest": 64, "half of the programs": 96, "half of each row": 80, "on the host": 72}


class Timed(RowSoftmax):
    sizes: ClassVar = {"train": {name: {"rows": rows, "columns": 512} for name, rows in ROWS.items()}}


TOLD = """ptxas info    : Compiling entry function 'k' for 'sm_90a'
    16 bytes stack frame, 12 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers"""
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
TWO_FACED = f"""{HONEST.partition("def row_softmax")[0]}
def row_softmax(x, y, rows, columns):
    block = triton.next_power_of_2(columns)
    row[(rows // 2 if rows == 96 else rows,)](x, y, columns, BLOCK=block // 2 if rows == 80 else block)
    if rows == 72:
        y.mul_(1.0)
"""
"""Right at the sizes of the tests, and another kernel at most of those that count."""


@pytest.fixture(autouse=True, scope="module")
def _triton() -> None:
    needs_triton()


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
    assert found["idle"] == "the function launched no kernel"
    first, second = found["orders"]
    assert sorted(first) == sorted(second) == list(range(64))
    assert first != second
    assert first != sorted(first)
    assert found["products"]["ieee"] < 1e-5 < 1e-4 < found["products"]["tf32"]


def test_a_kernel_is_compiled_for_two_devices_and_scored_where_it_is_right(
    bubblewrap: Sandbox, own_kernel_cache: None
) -> None:
    problem, evaluator, source = Timed("triton"), evaluator_of("kernel"), candidate(TWO_FACED)
    honest, fewer, halved, hosted = problem.workloads("train")
    assert evaluator.screen(problem, source) is None
    with evaluator.open(problem, source, Place(problem.limits, bubblewrap)) as session:
        assert session.labels == []
        assert set(session.subject.launches) == {((rows, 512), each) for rows in ROWS.values() for each in (80, 90)}
        for architecture in (80, 90):
            (launch,) = session.subject.launches[(64, 512), architecture]
            assert (launch.kernel, launch.grid, launch.warps, launch.tensor_cores) == ("row", (64,), 4, "")
            assert 10 <= launch.registers <= 64
            assert launch.spill_bytes == launch.stack_bytes == 0
            assert launch.shared_bytes > 0
            assert launch.access_bytes == 16
        found, again = (problem.measure(session.subject, honest) for _ in range(2))
        assert found == again
        assert session.labels == ["modelled"]
        assert found.feedback.startswith("modelled on H100, not measured")
        assert 1.0 == problem.bound(honest) <= found.objective < 1.5
        assert found.metrics["coalescing"] == 1.0
        assert any("row on sm_90" in line for line in found.trace)
        with pytest.raises(CandidateFault, match=r"its launches touch .* bytes at most") as caught:
            problem.measure(session.subject, fewer)
        assert caught.value.status is Status.CHEATED
        with pytest.raises(CandidateFault, match="torch: mul_ outside of kernels") as caught:
            problem.measure(session.subject, hosted)
        assert caught.value.status is Status.INVALID
    with evaluator.open(problem, source, Place(problem.limits, bubblewrap)) as session:
        with pytest.raises(CandidateFault, match=r"a call as it is modelled: y\[") as caught:
            problem.measure(session.subject, halved)
        assert caught.value.status is Status.INCORRECT


def test_what_does_not_compile_is_invalid_with_the_compilers_words(bubblewrap: Sandbox) -> None:
    """The interpreter would take it: sizes of blocks may be anything on NumPy."""
    odd = HONEST.replace("triton.next_power_of_2(columns)", "columns + 1")
    with pytest.raises(CandidateFault, match=r"arange's range must be a power of 2") as caught:
        verified(odd, bubblewrap)
    assert caught.value.status is Status.INVALID


def test_a_list_of_launches_is_the_candidates_word() -> None:
    kernel = {"ptx": "ld.global.v4.b32 st.global.b32 mma.sync", "told": TOLD}
    made = {"kernel": "k", "hash": "h", "grid": [7, 2], "warps": 8, "stages": 3, "shared_bytes": 99}
    calls = [{"architecture": each, "launches": [made]} for each in (80, 90)]
    (launch,) = read(json.dumps({"calls": calls, "kernels": {"h": kernel}}).encode(), 1)[90][0]
    assert launch == Launch("k", 90, (7, 2), 8, 3, 255, 24, 16, 99, 16, "mma")
    assert "255 registers, 24 bytes spilled" in launch.words
    wrong = [b"", b"[]", json.dumps({"calls": calls[:1], "kernels": {"h": kernel}}).encode()]
    wrong.append(json.dumps({"calls": calls, "kernels": {}}).encode())
    wrong.append(json.dumps({"calls": calls, "kernels": {"h": {**kernel, "told": "fine"}}}).encode())
    wrong.append(json.dumps({"calls": calls, "kernels": {"h": kernel}}).replace("8", "-8").encode())
    for content in wrong:
        with pytest.raises(CandidateFault, match="the list of its launches") as caught:
            read(content, 1)
        assert caught.value.status is Status.PROTOCOL


def test_what_an_assembler_refuses_is_invalid_with_its_words(bubblewrap: Sandbox) -> None:
    rooms = Rooms(PROBLEM.limits, bubblewrap)
    text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { ret; }"
    told = assembled({"a": Text(ptx=text, architecture=80, fused=False)}, (80,), rooms)
    assert "Compiling entry function 'k' for 'sm_80'" in told["a"].told
    assert told["a"].content.startswith(b"\x7fELF")
    with pytest.raises(CandidateFault, match=r"(?s)the assembler refused it: .*known instruction") as caught:
        assembled({"a": Text(ptx=text.replace("ret", "return"), architecture=80, fused=False)}, (80,), rooms)
    assert caught.value.status is Status.INVALID
    with pytest.raises(CandidateFault, match="the architectures that were asked for") as caught:
        assembled({"a": Text(ptx=text, architecture=75, fused=False)}, (80, 90), rooms)
    assert caught.value.status is Status.PROTOCOL
    with pytest.raises(ProblemError, match="expected its release"):
        release("ptxas of a kind")


def test_a_race_that_the_interpreter_hides_is_told(bubblewrap: Sandbox) -> None:
    """Hack 25: run one after the other, its programs are right; on a device they lose each other's sums."""
    assert said("naive_triton", str(RACY)) < 1e-6
    with pytest.raises(CandidateFault, match=r"kernel add, program .*: a race: programs 0 and 1") as caught:
        verified(RACY.read_text(encoding="utf-8"), bubblewrap)
    assert caught.value.status is Status.CRASHED


def test_kernels_that_do_not_do_their_work_are_found_out(tmp_path: Path) -> None:
    honest = tmp_path / "honest.py"
    honest.write_text(HONEST, encoding="utf-8")
    found = said("triton_designs", str(honest))
    assert found.pop("the honest one") == "right"
    assert "a race: programs 0 and 1" in found.pop("has programs race")
    assert "a store to an address outside" in found.pop("writes behind an output")
    assert "a store to an address outside" in found.pop("writes before an input")
    assert found.pop("changes an input") == "changed its input"
    assert len(found) == 7
    assert set(found.values()) == {"wrong"}


def test_work_that_torch_does_beside_a_kernel_is_labelled() -> None:
    assert not calls_a_library(candidate(HONEST), "triton")
    assert calls_a_library(candidate(HONEST + "    y.copy_(x.softmax(-1))\n"), "triton")
