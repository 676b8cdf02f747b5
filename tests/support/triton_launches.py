"""Run in a process of its own, on the driver of launch_recorder.cpp: what Triton's launcher makes of calls, as JSON.

The argument names a file with candidates and their calls. Of each call a list of launches: kernel, grid, block, bytes
of shared memory, and parameters: a size in bytes and a number, or, of an address, the buffer in which it lies and the
offset there, or an ordinal among all other addresses.
"""

import json
import os
import runpy
import sys
import tempfile
from math import prod
from pathlib import Path
from typing import Any

os.environ["TRITON_BACKENDS_IN_TREE"] = "1"

import torch
import triton
from speciate.evaluators._triton_planner import RESIDUE, _array
from triton.backends.nvidia.driver import CudaDriver, CudaLauncher
from triton.runtime.driver import driver

POINTER = 1
BYTES = {POINTER: 8, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 2, 8: 4, 9: 8, 10: 2, 11: 2, 12: 4, 13: 8}
"""Of what the launcher's C part takes out of Python, by its number there."""
BESIDE = (POINTER, POINTER)
SIGNATURES: list[tuple[int, ...]] = []


class Recorded(CudaDriver):
    """Triton's driver, which asks the driver of the device and not torch, whose build here knows none."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("get_device_capability", "get_current_stream", "get_current_device"):
            setattr(self, name, getattr(self, f"_{name}"))


def install() -> None:
    """Have the recorder told of each launch's parameters."""
    call = CudaLauncher.__call__

    def called(self: Any, *arguments: Any) -> None:
        signature = (*self.kernel_signature, *BESIDE)
        if prod(arguments[:3]) > 0:  # else it launches nothing
            SIGNATURES.append(signature)
        os.environ["SIZES"] = "".join(str(BYTES[each]) for each in signature)
        call(self, *arguments)

    CudaLauncher.__call__ = called
    driver.set_active(Recorded())
    triton.set_allocator(lambda size, alignment, stream: torch.empty(size, dtype=torch.int8))


def launches(function: Any, call: dict[str, Any], record: Path) -> list[Any]:
    """Make a call, and return its launches."""
    record.write_text("")
    SIGNATURES.clear()
    arrays = [_array(dtype, shape, start % RESIDUE, 0) for dtype, shape, start in call["buffers"]]
    function(*map(torch.from_numpy, arrays), *call["arguments"])
    spans = [(array.ctypes.data, array.nbytes) for array in arrays]
    others: dict[int, int] = {}
    found = []
    for line, signature in zip(record.read_text().splitlines(), SIGNATURES, strict=True):
        name, *words = line.split()
        figures = [int(word) for word in words]
        handed: list[Any] = []
        for kind, value in zip(signature, figures[8:], strict=True):
            at = next((i for i, (start, size) in enumerate(spans) if start <= value <= start + size), None)
            if kind != POINTER or value == 0:
                handed.append([BYTES[kind], value])
            else:
                ordinal = others.setdefault(value, len(others)) if at is None else 0
                handed.append(["other", ordinal] if at is None else ["buffer", at, value - spans[at][0]])
        assert figures[7] == 0, "attributes of a launch"
        found.append([name, figures[:3], figures[3:6], figures[6], handed])
    return found


def main() -> None:
    """Read the calls, make them, and print."""
    asked = json.loads(Path(sys.argv[1]).read_text())
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(RECORD=f"{folder}/record", TRITON_CACHE_DIR=f"{folder}/cache")
        install()
        found = []
        for each in asked:
            function = runpy.run_path(each["file"])[each["function"]]
            found.append([launches(function, call, Path(os.environ["RECORD"])) for call in each["calls"]])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
