"""Compiles what a Triton candidate would launch, for devices that are not here. Run as a program, alone in a room.

It calls the candidate's function with zeros in place of inputs; a launch is compiled as it would be on the device and
written down, and nothing is run: so what a function launches may depend on sizes only. The room's reply is JSON, whose
every word may be the candidate's, since its module runs here too.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import os
import sys
import traceback
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

SOURCE, JOB, REPLY = "candidate.py", "job.json", "launches.json"
_FRAMES = 6


class Target:
    """What Triton asks of a driver where a kernel is compiled and not run."""

    def __init__(self, architecture: int):
        from triton.backends.compiler import GPUTarget

        self._target = GPUTarget("cuda", architecture, 32)

    def get_current_target(self) -> Any:
        """Return the device to compile for."""
        return self._target

    def get_current_device(self) -> int:
        """Return a number for it, under which compiled kernels are kept."""
        return int(self._target.arch)

    def get_current_stream(self, device: int) -> int:
        """Return a stream that nothing is put on."""
        return 0


class Book:
    """Launches as they are made: those of a call, and the text of each kernel once."""

    def __init__(self) -> None:
        self.launches: list[dict[str, Any]] = []
        self.kernels: dict[str, dict[str, str]] = {}

    def keep(self, kernel: Any, grid: tuple[int, ...], told: str) -> None:
        """Write down a launch, and what the assembler told of its kernel."""
        facts = kernel.metadata
        if kernel.hash not in self.kernels:
            self.kernels[kernel.hash] = {"ptx": kernel.asm["ptx"], "told": told}
        self.launches.append(
            {
                "kernel": facts.name,
                "hash": kernel.hash,
                "grid": [int(size) for size in grid],
                "warps": facts.num_warps,
                "stages": facts.num_stages,
                "shared_bytes": facts.shared,
            }
        )


def record(book: Book) -> None:
    """Have every launch compiled and written down, and not made."""
    from triton.runtime.jit import JITFunction

    compiled = JITFunction.run

    def run(self: Any, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            kernel = compiled(self, *arguments, grid=grid, warmup=True, **options)
        sizes = grid(dict(zip(self.arg_names, arguments, strict=False)) | options) if callable(grid) else grid
        book.keep(kernel, tuple(sizes), told.getvalue())
        return kernel

    JITFunction.run = run


def candidate(function: str) -> Callable[..., Any]:
    """Run the candidate's module and return its function."""
    with open(SOURCE, encoding="utf-8") as file:
        source = file.read()
    # Triton reads a kernel's text again.
    linecache.cache[SOURCE] = (len(source), None, source.splitlines(keepends=True), SOURCE)
    module = ModuleType("candidate")
    module.__file__ = SOURCE
    sys.modules["candidate"] = module
    exec(compile(source, SOURCE, "exec", dont_inherit=True), module.__dict__)
    found: Callable[..., Any] = getattr(module, function)
    return found


def launches(function: Callable[..., Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each call of the job launches on each architecture, and the kernels."""
    import torch
    from triton.runtime.driver import driver

    book = Book()
    record(book)
    found: list[dict[str, Any]] = []
    for architecture in job["architectures"]:
        driver.set_active(Target(architecture))
        for sizes in job["calls"]:
            book.launches = []
            arrays = [
                torch.zeros([sizes.get(each, each) for each in shape], dtype=getattr(torch, dtype))
                for dtype, shape in job["buffers"]
            ]
            function(*arrays, *(sizes[name] for name in job["names"]), *job["scalars"])
            found.append({"architecture": architecture, "launches": book.launches})
    return {"calls": found, "kernels": book.kernels}


def words(error: BaseException) -> str:
    """Return what went wrong, and where in the candidate's file."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == SOURCE][-_FRAMES:]
    lines = [f"  {SOURCE}, line {each.lineno}, in {each.name}: {each.line}" for each in frames]
    return "\n".join([f"{type(error).__name__}: {error}", *lines])


def main() -> None:
    """Read the job, and write the reply or, to stderr, what was wrong."""
    os.environ.update({"TRITON_BACKENDS_IN_TREE": "1", "TRITON_DUMP_PTXAS_LOG": "1"})
    with open(JOB, encoding="utf-8") as file:
        job = json.load(file)
    try:
        import triton  # noqa: F401 - before the candidate does, whose fault it would not be

        found = launches(candidate(job["function"]), job)
    except BaseException as error:  # noqa: BLE001 - whatever the candidate raised is told to its author
        sys.exit(words(error))
    with open(REPLY, "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
