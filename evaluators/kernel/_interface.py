"""What a kernel is: one function that is handed buffers, and fills those that are its outputs."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from .._contract import Frozen, Workload
from .._interface import Function, Interface
from ._languages import Tool, Written

DType = Literal["float32", "float64", "int32", "int64", "uint8", "uint16"]
Sizes = Mapping[str, int]
"""The whole numbers that a call is made with, by name."""

C_TYPES: dict[DType, str] = {
    "float32": "float",
    "float64": "double",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
}
ITEM_BYTES: dict[DType, int] = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint8": 1, "uint16": 2}
FLAGS = ("-std=gnu++17", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared")
"""Of every build of C++."""


def sizes_of(workload: Workload) -> Sizes:
    """Return what a workload's calls are made with."""
    return {name: int(value) for name, value in workload.params.items()}


class Buffer(Frozen):
    """An array in memory, row by row without gaps: an input, or an output that the kernel fills."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    shape: tuple[int | str, ...] = Field(min_length=1)
    """Numbers, and names of sizes."""
    dtype: DType = "float32"
    about: str = ""

    def dimensions(self, sizes: Sizes) -> tuple[int, ...]:
        """Return the shape at ``sizes``."""
        return tuple(sizes[each] if isinstance(each, str) else each for each in self.shape)

    def byte_count(self, sizes: Sizes) -> int:
        """Return the bytes it takes at ``sizes``."""
        return math.prod(self.dimensions(sizes)) * ITEM_BYTES[self.dtype]

    @property
    def words(self) -> str:
        """The buffer in words, for a brief."""
        shape = ", ".join(map(str, self.shape))
        return f"`{self.name}`, {self.dtype} ({shape})" + (f": {self.about}" if self.about else "")


class KernelInterface(Interface):
    """A function that is called with the inputs, the outputs, the sizes and the scalars, in this order.

    In ``c++`` it has C linkage and takes pointers, ``int64_t`` sizes and ``double`` scalars. In ``python`` it is
    called with NumPy arrays of the buffers' shapes, ints and floats, and Numba is there to compile it; with Triton
    the arrays are torch tensors, and what it launches is what counts.
    """

    kind: ClassVar[str] = "kernel"
    language: Written = "c++"
    tool: Tool = "g++"
    """What turns it into machine code."""
    entry: str = "kernel.cpp"
    function: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    inputs: tuple[Buffer, ...] = Field(min_length=1)
    outputs: tuple[Buffer, ...] = Field(min_length=1)
    sizes: tuple[str, ...] = Field(min_length=1)
    scalars: dict[str, float] = Field(default_factory=dict)
    """Further arguments, the same in every call (an epsilon)."""
    about: str = ""
    """What is to be computed: Markdown, for the brief."""

    @model_validator(mode="after")
    def _names_are_bound(self) -> "KernelInterface":
        used = {each for buffer in self.buffers for each in buffer.shape if isinstance(each, str)}
        if not used <= set(self.sizes):
            raise ValueError(f"expected the sizes of all buffers among {', '.join(self.sizes)}, got {sorted(used)}")
        return self

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """Inputs, then outputs."""
        return (*self.inputs, *self.outputs)

    @property
    def functions(self) -> tuple[Function, ...]:
        """The one function, with the parameters of a Python kernel; none in CUDA, whose launches say what is called."""
        if self.tool == "nvcc":
            return ()
        names = (*(buffer.name for buffer in self.buffers), *self.sizes, *self.scalars)
        return (Function(self.function, names),)

    @property
    def prototype(self) -> str:
        """The function as C declares it."""
        told = [f"const {C_TYPES[each.dtype]}* {each.name}" for each in self.inputs]
        told += [f"{C_TYPES[each.dtype]}* {each.name}" for each in self.outputs]
        told += [f"int64_t {name}" for name in self.sizes] + [f"double {name}" for name in self.scalars]
        return f"void {self.function}({', '.join(told)})"

    @property
    def told(self) -> dict[str, Any]:
        """What a kernel's worker is told further."""
        return {}

    def signatures(self) -> tuple[str, ...]:
        """Return the call as the candidate's language writes it."""
        if self.tool == "nvcc":
            return (self.entry,)
        return (f'extern "C" {self.prototype}',) if self.language == "c++" else super().signatures()

    def description(self) -> str:
        """Return the function, its buffers, how it is built, and what it may not do."""
        scalars = ", ".join(f"`{name}` = {value:g}" for name, value in self.scalars.items())
        return "\n".join(
            [
                f"Write one file, `{self.entry}`, {self._what()}. {self.about}".rstrip(),
                "",
                "Inputs:",
                "",
                *[f"- {buffer.words}" for buffer in self.inputs],
                "",
                "Outputs, which the caller has allocated and whose content is not known:",
                "",
                *[f"- {buffer.words}" for buffer in self.outputs],
                "",
                f"Sizes: {', '.join(f'`{name}`' for name in self.sizes)}."
                + (f" Scalars: {scalars}." if scalars else ""),
                "",
                HOW[self.tool],
                "",
                "Buffers may begin at any multiple of their element's size. Inputs must be left as they are. Every "
                "call has inputs of its own, and its time ends when "
                + ("the last kernel ends." if self.tool in ("nvcc", "triton") else "the function returns.")
                + (" There is one thread." if self.tool in ("g++", "numba") else ""),
            ]
        )

    def _what(self) -> str:
        if self.tool == "nvcc":
            return 'of `extern "C" __global__` kernels, and comments that say how they are launched'
        return f"that defines `{self.signatures()[0]}`"


HOW: dict[Tool, str] = {
    "torch": "PyTorch, NumPy and Numba are there; it runs on the CPU, on one thread, and cannot start a compiler.",
    "g++": f"It is built by `g++ {' '.join(FLAGS)}`; intrinsics of this machine may be used.",
    "numba": "NumPy and Numba are there; a function under `@numba.njit` is compiled before it is timed.",
    "triton": (
        "The arguments are contiguous torch tensors on the device that the kernels run on. The function launches "
        "kernels under `@triton.jit`, and chooses grid, block sizes, `num_warps` and `num_stages` by the sizes alone; "
        "torch may allocate further tensors on `x.device` (`torch.empty`) and view them, and nothing else: what is "
        "reckoned outside of kernels has no time that could be told, and a GPU carries out launches alone. A kernel is "
        "checked in Triton's interpreter, the programs of a launch in any order, and compiled for sm_80 and sm_90. "
        "Where there is no GPU, a model of one says how long it takes. Programs of one launch share memory through "
        "atomics only: what one writes plainly, no other may read or write in the same launch. They stay inside of the "
        "tensors they were given. "
        "`tl.dot` of float32 rounds to TF32 unless it has `input_precision='ieee'`. "
        "There is no bfloat16 and no `triton.autotune`."
    ),
    "nvcc": (
        "There is no host code: lines such as `// launch: kernel<<<(rows + 7) / 8, (32, 8)>>>(x, out, rows, epsilon)`, "
        "or `<<<grid, block, bytes>>>` with dynamic shared memory, are carried out in their order. Grid, block, bytes "
        "and arguments are arithmetic of the sizes, whole numbers and `constexpr int` constants of the file "
        "(+ - * / % min max). A kernel's parameters are pointers for buffers, `int64_t` for whole numbers and `double` "
        "for scalars, in exactly those types. `// scratch: name dtype[count]` is memory for one call, which a launch "
        "may be handed like a buffer; what it holds at first is not known. The file is compiled by nvcc for sm_80 and "
        "sm_90, and checked, where there is no GPU, in an emulator of blocks, barriers, warp shuffles, votes and "
        "atomics; it has no conditional compilation, no inline assembly, no tensor cores, and includes only cstdint, "
        "cmath, cfloat, climits and cuda_runtime.h. Two calls on the same inputs must be equal to the bit."
    ),
}
"""How a kernel is built and called, for its author."""
