"""What Triton kernels are seen to do in the interpreter, against what was reckoned on paper; and false traces."""

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from speciate.evaluators import (
    _gpu_driver,
    _gpu_worker,
    _kernel_host,
    _kernel_trace,
    _kernel_worker,
    _triton_builder,
    _triton_planner,
    _triton_worker,
    _worker,
)
from speciate.evaluators._errors import CandidateFault
from speciate.evaluators._kernel_trace import ATOMIC, LAUNCH, LOAD, PROGRAM, WORK
from speciate.evaluators.kernel._trace import Watched, launches
from speciate.simulators.gpu import DEVICES, Work, sectors, traffic

from tests.conftest import needs_torch, needs_triton

KERNELS = """
import sys

import numpy as np
import torch
import triton
import triton.language as tl
from speciate.evaluators._kernel_host import watched_host
from speciate.evaluators._kernel_trace import Recorder, record


@triton.jit
def copy(x, out, count, STRIDE: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at * STRIDE, mask=at < count), mask=at < count)


@triton.jit
def softmax(x, out, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    values = tl.load(x + at)
    powers = tl.exp(values - tl.max(values, axis=0))
    tl.store(out + at, powers / tl.sum(powers, axis=0))


@triton.jit
def product(a, b, out, HOW: tl.constexpr):
    i, j = tl.arange(0, 16)[:, None], tl.arange(0, 32)
    left = tl.load(a + i * 32 + j[None, :])
    right = tl.load(b + j[:, None] + 32 * tl.arange(0, 64)[None, :])
    tl.store(out + i * 64 + tl.arange(0, 64)[None, :], tl.dot(left, right, input_precision=HOW))


@triton.jit
def count(x, out, BLOCK: tl.constexpr):
    tl.atomic_add(out + tl.load(x + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)), 1)


recorder = Recorder(np)
record(recorder)
x, out = torch.ones(8 * 2000), torch.zeros(2000)
copy[(16,)](x, out, 2000, STRIDE=1, BLOCK=128)
recorder.start(1 << 20, 16)
for stride in (1, 8):
    copy[(16,)](x, out, 2000, STRIDE=stride, BLOCK=128)
out.zero_()
copy[(32,)](x, out, 4096, STRIDE=1, BLOCK=16)
assert out[:512].count_nonzero() == 4 * 16, "of many programs only those that are watched are run"
copy[(4,)](x, out, 400, STRIDE=1, BLOCK=128)
softmax[(2,)](x, out, BLOCK=256)
half = torch.ones(4096, dtype=torch.float16)
product[(1,)](half, half, out, HOW="ieee")
for how in ("tf32", "ieee"):
    product[(1,)](x, x, out, HOW=how)
count[(4, 2)](torch.zeros(256, dtype=torch.int32), torch.zeros(9, dtype=torch.int32), BLOCK=64)
assert out[:2].isfinite().all()
recorder.stop().tofile(sys.argv[1])


def told(call, most=1 << 20):
    recorder.start(most, 16)
    try:
        with watched_host(recorder):
            call()
    except Exception as error:
        print(type(error).__name__)
    try:
        recorder.stop()
        print("nothing")
    except Exception as error:
        print(error)


def allocating():
    softmax[(2,)](x[:512].view(2, 256).contiguous(), torch.empty_like(x, device=x.device), BLOCK=256)


def reckoning():
    try:
        x + 1
    except Exception:
        softmax[(2,)](x, out, BLOCK=256)


told(allocating)
told(reckoning)
told(lambda: x[[1, 0]])
told(allocating, 100)
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> list[Watched]:
    needs_triton()
    needs_torch()
    folder: Path = tmp_path_factory.mktemp("trace")
    (folder / "kernels.py").write_text(KERNELS, encoding="utf-8")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "kernels.py", "trace"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    fine, caught, refused, gathers, failed, full = done.stdout.splitlines()
    assert fine == "nothing"
    assert caught.startswith("torch: add outside of kernels, whose time nothing tells")
    assert gathers.startswith("torch: __getitem__ outside of kernels")
    assert (refused, failed) == ("Fault", "InterpreterError")
    assert full == "expected 4 programs of each launch to touch at most 100 elements"
    return launches(np.fromfile(folder / "trace", dtype=np.int64))


def test_accesses_are_those_of_the_programs_that_were_watched(watched: list[Watched]) -> None:
    near, far, _, _, softmax, *products, count = watched
    half = products[0]
    assert [launch.grid for launch in watched] == [16, 16, 32, 4, 2, 1, 1, 1, 8]
    assert [len(launch.programs) for launch in watched] == [4, 4, 4, 4, 2, 1, 1, 1, 4]
    assert near.footprint_bytes == 4 * (16000 + 2000)
    for launch, moved in ((near, 4), (far, 32)):
        for program in launch.programs:
            loaded, stored = program.accesses
            assert (loaded.kind, stored.kind) == ("load", "store")
            assert sectors(loaded) == moved * 4
            assert sectors(stored) == 4 * 4
    first = [program.accesses[1].addresses[0] for program in near.programs]
    assert np.diff(first).tolist() == [4 * 128 * 4] * 3
    loads = [access for launch in products for access in launch.programs[0].accesses if access.kind == "load"]
    assert [sectors(access) * 32 for access in loads] == [access.asked_bytes for access in loads]
    assert [access.joined for access in softmax.programs[1].accesses] == [False, False]
    assert [access.joined for access in half.programs[0].accesses] == [False, True, False]
    assert [access.kind for access in count.programs[0].accesses] == ["load", "atomic"]
    assert count.programs[0].accesses[1].addresses.tolist() == [int(count.programs[0].accesses[1].addresses[0])] * 64
    found = traffic(DEVICES["H100"], softmax.programs, softmax.grid, softmax.footprint_bytes)
    assert found.asked_bytes == found.l2_bytes == found.covered_bytes == 2 * 2 * 256 * 4


def test_a_mask_leaves_elements_out(watched: list[Watched]) -> None:
    *whole, last = watched[3].programs
    assert all(access.active.all() for program in whole for access in program.accesses)
    assert [access.asked_bytes for access in last.accesses] == [16 * 4, 16 * 4]
    assert last.accesses[0].active.tolist() == [True] * 16 + [False] * 112


def test_what_is_reckoned_is_counted_by_its_unit(watched: list[Watched]) -> None:
    _, _, _, _, softmax, half, tf32, plain, _ = (launch.programs[0].work for launch in watched)
    assert softmax == Work(fp32_ops=4 * 256, special_ops=2 * 256)
    flops, operands = 2 * 16 * 32 * 64, 16 * 32 + 32 * 64
    assert half == Work(half_flops=flops, shared_bytes=2 * 2 * operands, fp32_ops=half.fp32_ops)
    assert tf32 == Work(tf32_flops=flops, shared_bytes=2 * 4 * operands, fp32_ops=tf32.fp32_ops)
    assert plain.fp32_ops - tf32.fp32_ops == flops / 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([LAUNCH, 1, 8], "ends within"),
        ([LAUNCH, 1, 8, 5], "ends within"),
        ([LAUNCH, 1, 8, -1], "ends within"),
        ([LAUNCH, 0, 8, 0], "one program or more"),
        ([LAUNCH, 1, -8, 0], "numbers from 0"),
        ([LAUNCH, 1, 8, 1, 5], "steps of all programs"),
        ([LAUNCH, 3, 8, 2, 5, 6], "no more steps"),
        ([LAUNCH, 3, 8, 2, 5, 1], "no more steps"),
        ([PROGRAM, 0, 0, 0], "a launch first"),
        ([LAUNCH, 1, 8, 0], "one watched program"),
        ([LAUNCH, 1, 8, 0, PROGRAM, 0, 0, 0, PROGRAM, 0, 0, 0], "one watched program"),
        ([LAUNCH, 1, 8, 0, LOAD, 4, 0, 0], "a program first"),
        ([LAUNCH, 1, 8, 0, PROGRAM, 0, 0, 0, LOAD, 3, 0, 1, 64], "items of 1, 2, 4"),
        ([LAUNCH, 1, 8, 0, PROGRAM, 0, 0, 0, ATOMIC, 4, 0, 1, -2], "expected addresses"),
        ([LAUNCH, 1, 8, 0, PROGRAM, 0, 0, 0, WORK, 0, 0, 1, 5], "record that is known"),
        ([LAUNCH, 1, 8, 0, PROGRAM, 0, 0, 0, WORK, 0, 0, 5, 1, 1, 1, 1, -1], "record that is known"),
        ([LAUNCH, 1, 8, 0, PROGRAM, 0, 0, 0, 77, 0, 0, 0], "record that is known"),
    ],
)
def test_a_trace_that_is_none_is_the_candidates_fault(words: list[int], told: str) -> None:
    with pytest.raises(CandidateFault, match=told):
        launches(np.array(words, dtype=np.int64))


def defined(module: ModuleType) -> list[str]:
    tree = ast.parse(inspect.getsource(module)).body
    named = [each.name for each in tree if isinstance(each, ast.ClassDef | ast.FunctionDef)]
    targets = [target for each in tree if isinstance(each, ast.Assign) for target in each.targets]
    stored = [node.id for each in targets for node in ast.walk(each) if isinstance(node, ast.Name)]
    return sorted({*named, *stored} - {"TYPE_CHECKING"})


@pytest.mark.parametrize(
    "texts",
    [
        (_kernel_worker, _kernel_host, _kernel_trace, _triton_worker),
        (_triton_builder, _kernel_host, _triton_planner),
        (_gpu_worker, _gpu_driver),
    ],
)
def test_texts_that_are_run_in_one_namespace_share_no_name(texts: tuple[ModuleType, ...]) -> None:
    first, *others = texts
    names = [*{*defined(_worker), *defined(first)}, *(name for each in others for name in defined(each))]
    assert "Fault" in names
    assert sorted(names) == sorted(set(names))
