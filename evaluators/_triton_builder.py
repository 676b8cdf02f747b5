"""Compiles what a Triton candidate would launch, for devices that are not here. Sent as text to a sealed worker.

It calls the candidate's function with zeros in place of inputs; a launch is compiled as it would be on the device, down
to the assembler's language, and written down, and nothing is run: so what a function launches may depend on sizes only.
The reply is JSON, whose every word may be the candidate's, since its module runs here too; the judge has its kernels
assembled elsewhere. No file is written on the way: where this runs, none can be. For a device that is there, further
texts (``_triton_planner``) have the launches written down with their arguments.
"""

from __future__ import annotations

import json
import sys
import traceback
from struct import Struct
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ._worker import ANSWER, FILENAME, INVALID, OK, OOM, Fault, Program, _packed, _printed

SIZE = Struct("=Q")
"""Bytes of the reply, ahead of it in the memory that is shared."""
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


class Compiled(NamedTuple):
    """A kernel as far as the assembler's language, and what Triton knows of it."""

    hash: str
    ptx: str
    facts: dict[str, Any]


def compiled(source: Any, target: Any, options: Any = None, **_: Any) -> Compiled:
    """Compile as ``triton.compile`` does, with no assembler and no cache in files."""
    from hashlib import blake2b

    from triton._C.libtriton import ir
    from triton.compiler.compiler import make_backend

    backend = make_backend(target)
    chosen = backend.parse_options({**(options or {}), **source.parse_options()})
    if chosen.ptx_options:
        raise Fault(INVALID, "ptx_options: the assembler is called the same for all; leave them out")
    facts = {"target": target, **chosen.__dict__}
    stages: dict[str, Any] = {}
    backend.add_stages(stages, chosen, source.language)
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    how = backend.get_codegen_implementation(chosen), backend.get_module_map()
    made = source.make_ir(target, chosen, *how, context)
    for name, stage in stages.items():
        made = stage(made, facts)
        if name == "ptx":
            break
    told = f"{target.arch} {chosen.enable_fp_fusion} {made}"
    return Compiled(blake2b(told.encode(), digest_size=16).hexdigest(), made, facts)


class Book:
    """Launches as they are made: those of a call, and the text of each kernel once."""

    def __init__(self) -> None:
        self.launches: list[dict[str, Any]] = []
        self.kernels: dict[str, dict[str, Any]] = {}

    def keep(self, kernel: Compiled, grid: tuple[int, ...]) -> None:
        """Write down a launch."""
        facts = kernel.facts
        told = {"ptx": kernel.ptx, "architecture": facts["target"].arch, "fused": facts["enable_fp_fusion"]}
        self.kernels[kernel.hash] = told
        self.launches.append(
            {
                "kernel": facts["name"],
                "hash": kernel.hash,
                "grid": [int(size) for size in grid],
                "warps": facts["num_warps"],
                "stages": facts["num_stages"],
                "shared_bytes": facts["shared"],
            }
        )


def record(book: Book, assembler: str) -> None:
    """Have every launch compiled for an ``assembler`` of that version and written down, and not made."""
    from types import SimpleNamespace

    import triton
    from triton.backends.nvidia import compiler
    from triton.runtime.jit import JITFunction

    run = JITFunction.run

    def launched(self: Any, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        kernel = run(self, *arguments, grid=grid, warmup=True, **options)
        sizes = grid(dict(zip(self.arg_names, arguments, strict=False)) | options) if callable(grid) else grid
        book.keep(kernel, tuple(sizes))
        return kernel

    compiler.get_ptxas = lambda _: SimpleNamespace(version=assembler)
    triton.compiler.compile = compiled
    JITFunction.run = launched


def launches(function: Callable[..., Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each call of the job launches on each architecture, and the kernels."""
    import numpy as np
    import torch
    from triton.runtime.driver import driver

    book = Book()
    record(book, job["assembler"])
    found: list[dict[str, Any]] = []
    for architecture in job["architectures"]:
        driver.set_active(Target(architecture))
        for sizes in job["calls"]:
            book.launches = []
            # Of NumPy, whose zeros take no memory until they are looked at.
            arrays = [
                torch.from_numpy(np.zeros([sizes.get(each, each) for each in shape], dtype))
                for dtype, shape in job["buffers"]
            ]
            function(*arrays, *(sizes[name] for name in job["names"]), *job["scalars"])
            found.append({"architecture": architecture, "launches": book.launches})
    return {"calls": found, "kernels": book.kernels}


def serve_calls(ask: int, answer: int, message: dict[str, Any]) -> None:
    """Load the candidate, do the job, and leave the reply in the memory that is shared."""
    import linecache
    import mmap
    import os

    # Before the candidate does, whose fault it would not be.
    os.environ["TRITON_BACKENDS_IN_TREE"] = "1"
    import triton  # noqa: F401

    try:
        memory, source = mmap.mmap(message["arena"], message["arena_bytes"]), message["source"]
        # Triton reads a kernel's text again.
        linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
        Program(source, (), {}).begin(0)
        function = getattr(sys.modules["candidate"], message["function"], None)
        if not callable(function):
            raise Fault(INVALID, f"expected a function {message['function']} at the top level of {FILENAME}")
        for text in message.get("planner", ()):
            exec(compile(text, "planner", "exec", dont_inherit=True), globals())
        make = globals()["planned"] if "planner" in message else launches
        reply = json.dumps(make(function, message)).encode()
        if len(reply) > len(memory) - SIZE.size:
            raise Fault(INVALID, f"expected kernels of at most {len(memory)} bytes together, got {len(reply)}")
        memory[: SIZE.size] = SIZE.pack(len(reply))
        memory[SIZE.size : SIZE.size + len(reply)] = reply
        os.write(answer, ANSWER.pack(OK, 0.0))
    except Fault as fault:
        os.write(answer, _packed(fault))
    except MemoryError:
        os.write(answer, _packed(Fault(OOM, "out of memory: an allocation would have passed the limit")))
    except BaseException as error:  # noqa: BLE001 - whatever the candidate raised is told to its author
        os.write(answer, _packed(Fault(INVALID, f"the build failed: {words(error)}")))


def words(error: BaseException) -> str:
    """Return what went wrong, and where in the candidate's file."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == FILENAME][-_FRAMES:]
    lines = [f"  {FILENAME}, line {each.lineno}, in {each.name}: {each.line}" for each in frames]
    return "\n".join([f"{type(error).__name__}: {_printed(error)}", *lines])
