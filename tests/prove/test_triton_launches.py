"""What our own process is told to launch of a candidate in Triton is what Triton's own launcher would hand the driver.

Triton's launcher runs on a driver that carries nothing out and writes down what it is handed. The short form takes a
few seeds, the long one all, each at the sizes that count and at those of the tests.
"""

import importlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speciate.evaluators import Candidate, KernelProblem, Place, Sandbox
from speciate.evaluators._room import Rooms
from speciate.evaluators.kernel import _problem, toolkit
from speciate.evaluators.kernel._arena import Slot, laid
from speciate.evaluators.kernel._checks import cases
from speciate.evaluators.kernel._gpus import Gpu
from speciate.evaluators.kernel._triton_plan import built_for
from support.own_process import TESTS, said
from support.row_scale.problem import RowScale

from tests.conftest import needs_nvcc, needs_triton
from tests.kernels.test_room import FOLDERS

SUPPORT = TESTS / "support"
FEW = ("softmax", "prefix_sum")
HOPPER = Gpu("0", "H100", "", "", 90, 132, 50 << 20, 1.98e9, 3.35e12)


@pytest.fixture(autouse=True)
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_nvcc()
    needs_triton()
    source, target = SUPPORT / "launch_recorder.cpp", tmp_path / "libcuda.so.1"
    build = ["g++", "-std=gnu++17", "-w", "-shared", "-fPIC", f"-I{toolkit()}/include", "-o", target, source]
    subprocess.run(build, check=True)
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("LD_LIBRARY_PATH"))))
    monkeypatch.setenv("LD_LIBRARY_PATH", path)
    monkeypatch.setenv("TRITON_LIBCUDA_PATH", str(tmp_path))
    monkeypatch.setattr(_problem, "usable", lambda: (HOPPER,))


def asked(problem: KernelProblem, file: Path, slots: Sequence[Slot]) -> dict[str, Any]:
    """Return what the other process is asked."""
    interface = problem.interface
    calls = []
    for slot in slots:
        starts, sizes = slot.call
        told = zip(interface.buffers, starts, strict=True)
        buffers = [(each.dtype, each.dimensions(slot.sizes), at) for each, at in told]
        calls.append({"buffers": buffers, "arguments": [*sizes, *interface.scalars.values()]})
    return {"file": str(file), "function": interface.function, "calls": calls}


def ours(problem: KernelProblem, file: Path, slots: Sequence[Slot], theirs: list[Any], sandbox: Sandbox) -> list[Any]:
    """Return the launches that our process is told, with numbers cut to the size that they have in theirs."""
    candidate = Candidate.from_source(file.read_text(encoding="utf-8"), path="kernel.py")
    place = Place(problem.limits, sandbox)
    code, _ = built_for(problem, candidate, slots, Rooms(problem.limits, sandbox), place)
    found = []
    for slot, known in zip(slots, theirs, strict=True):
        others: dict[Any, int] = {}
        launches = code.call(slot)["launches"]
        assert len(launches) == len(known)
        found.append([_told(each, slot, sizes[-1], others) for each, sizes in zip(launches, known, strict=True)])
    return found


def _told(launch: dict[str, Any], slot: Slot, theirs: list[Any], others: dict[Any, int]) -> list[Any]:
    handed: list[Any] = []
    for (kind, value), each in zip(launch["arguments"], theirs, strict=True):
        if kind == "buffer":
            at = next(i for i, span in enumerate(slot.buffers) if span.start <= value <= span.end)
            handed.append(["buffer", at, value - slot.buffers[at].start])
        elif kind == "scratch":
            handed.append(["other", others.setdefault(value, len(others))])
        else:
            size = each[0] if isinstance(each[0], int) else 8
            handed.append([size, value % (1 << 8 * size)])
    return [launch["kernel"], list(launch["grid"]), list(launch["block"]), launch["shared"], handed]


def test_launches_are_those_of_tritons_own_launcher(full: bool, bubblewrap: Sandbox, tmp_path: Path) -> None:
    chosen = []
    for folder in FOLDERS if full else FEW:
        problem = importlib.import_module(f"speciate.kernels.{folder}").problem({"language": "triton"})
        timed = [laid(problem.interface, sizes) for named in problem.sizes.values() for sizes in named.values()]
        drawn = cases(problem, np.random.default_rng(5))
        tested = [laid(problem.interface, each.sizes, 0, each.shift) for each in drawn]
        chosen.append((problem, problem.folder / problem.told.seed, [*timed, *tested]))
    scale = RowScale("triton")
    shifted = [laid(scale.interface, {"rows": 8, "columns": 320}, 0, shift) for shift in (0, 1)]
    chosen.append((scale, SUPPORT / "triton_arguments.py", shifted))
    calls = tmp_path / "calls.json"
    calls.write_text(json.dumps([asked(*each) for each in chosen]))
    theirs = said("triton_launches", str(calls))
    for each, known in zip(chosen, theirs, strict=True):
        assert ours(*each, known, bubblewrap) == known
