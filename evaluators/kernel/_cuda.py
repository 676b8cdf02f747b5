"""Building CUDA kernels: for the device by nvcc, and for this machine's processor by g++ and an emulator of ours.

Where there is no GPU, a kernel's device code is compiled and what it needs is reported, and its answers are checked in
the emulator: the same text, one block at a time. That text must not know which of the two compilers reads it, so
conditional compilation and the names by which compilers are told apart are refused. Who finds another way to tell them
is caught on the first GPU; until then all that is said of a kernel is labelled ``emulated``.
"""

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from .._contract import Candidate, Cost, Status
from .._errors import CandidateFault, ProblemError
from .._room import Rooms
from ..sandbox import Programs
from ._build import Built, Recipe, carried_out
from ._interface import ITEM_BYTES, KernelInterface
from ._launches import Launch, Launches, in_c, launches_of
from ._notes import Notes
from ._toolkit import INSTALL, toolkit

ARCHITECTURES = ("sm_80", "sm_90")
"""What every candidate is compiled for; the image also holds the last one's intermediate code, for newer devices."""
EMULATED = "emulated"
"""Label: right in the emulator, never run on a device."""
_HEADERS = frozenset(
    {"cstdint", "stdint.h", "cmath", "math.h", "cfloat", "float.h", "climits", "limits.h", "cuda_runtime.h"}
)
_DIRECTIVES = frozenset({"define", "undef", "include", "pragma"})
_DIRECTIVE = re.compile(r"^\s*(?:#|%:)\s*(\w*)[ \t]*([^\n]*)", re.MULTILINE)
_TELLS = re.compile(
    r"\b(?:__CUDA\w*|__NVCC\w*|__NV_\w*|__GNU[CG]\w*|__clang\w*|emulated|speciate_\w+|asm|__asm\w*)\b|##|[\"']"
)
"""Names by which compilers are told apart, and quotes: in a literal, what looks like a comment is none."""
_SPLICE = re.compile(r"\\[ \t\f\v]*\r?\n")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_LINKAGE = re.compile(r'\bextern\s*"C"')
_INCLUDE = re.compile(r"^\s*#\s*include[^\n]*", re.MULTILINE)
_DYNAMIC = re.compile(
    r"extern\s+__shared__\s+(?:__align__\s*\(\s*\d+\s*\)\s*)?([A-Za-z_][\w\s]*?)\s+(\w+)\s*\[\s*\]\s*;"
)
_IMAGE, _OBJECT = "kernel.fatbin", "kernel.so"
_PLAIN = "-std=gnu++17 -w -U_FORTIFY_SOURCE -fno-stack-protector -fPIC -I."
_RUNTIME = f"g++ {_PLAIN} -O2 -c -o emulator.o emulator.cpp"
_WRAPPED = " ".join(f"-Wl,--wrap={name}" for name in ("expf", "logf", "tanhf", "exp", "log"))
_EMULATE = (
    f"g++ {_PLAIN} -O1 -fno-tree-sra -march=native -ffp-contract=fast -fsanitize=thread,bounds,alignment "
    "-fno-sanitize-recover=bounds,alignment -c -o kernel.o entry.cpp && "
    f"g++ -shared {_WRAPPED} -o {_OBJECT} kernel.o emulator.o"
)
"""What ``-fsanitize=thread`` calls at each access is the emulator's; products and sums are fused, as nvcc does, and a
structure is not taken apart: a vector is one access."""
_INDICES = ("int32", "int64")
"""Dtypes of what may be an index: a load that comes after one waits for it."""
_ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(sm_\d+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
_VECTOR = re.compile(r"(?:ld|st)\.global[\w.:]*\.v(\d)\.[a-z](\d+)")
_WIDE = re.compile(r"(?:ld|st)\.global[\w.:]*\.[a-z](\d+)")


class Resources(NamedTuple):
    """What one kernel needs on one architecture, as its assembler says."""

    kernel: str
    architecture: str
    registers: int
    """Of a thread."""
    spill_bytes: int
    """Stored and loaded by a thread because registers ran out."""
    stack_bytes: int
    shared_bytes: int
    """Of a block, without what a launch adds."""

    @property
    def words(self) -> str:
        """The figures in words."""
        told = f"{self.kernel} on {self.architecture}: {self.registers} registers, {self.shared_bytes} bytes shared"
        return f"{told}, {self.stack_bytes} bytes of stack, {self.spill_bytes} bytes spilled"


class Image(NamedTuple):
    """Device code, and what its making told."""

    content: bytes
    """A fat binary, as the driver loads it."""
    resources: tuple[Resources, ...]
    access_bytes: int
    """Widest access to global memory that a thread makes."""
    cached: bool
    cost: Cost


class CudaBuild(NamedTuple):
    """All that is made of a CUDA candidate."""

    launches: Launches
    image: Image
    emulated: Built
    """A shared object with the interface's function, which runs the launches in the emulator; cost of both."""


def built_cuda(candidate: Candidate, interface: KernelInterface, rooms: Rooms, sandbox: str) -> CudaBuild:
    """Compile a candidate for devices and for the emulator.

    Raises CandidateFault(INVALID) with the compiler's words; ProblemError without a compiler.
    """
    launches = launches_of(candidate.source, interface)
    image = compiled(candidate, launches, rooms, sandbox)
    made = emulated(candidate, launches, rooms, sandbox)
    both = made._replace(cached=made.cached and image.cached, cost=made.cost + image.cost)
    return CudaBuild(launches, image, both)


def check_text(candidate: Candidate) -> None:
    """Check that a candidate's text reads the same for every compiler. Raises CandidateFault(INVALID)."""
    text = _SPLICE.sub("", candidate.source)
    text = _COMMENT.sub(" ", _LINKAGE.sub("extern", text))
    for word, rest in _DIRECTIVE.findall(text):
        header = rest.strip().strip('<>"')
        if word not in _DIRECTIVES or (word == "include" and header not in _HEADERS):
            allowed = ", ".join(sorted(_HEADERS))
            raise _invalid(f"expected of directives only define, pragma and include of {allowed}; got #{word} {rest}")
    told = _TELLS.search(_INCLUDE.sub("", text))
    if told is not None:
        raise _invalid(f"expected plain CUDA C++ that is the same for every compiler, without {told[0]}")


def compiled(candidate: Candidate, launches: Launches, rooms: Rooms, sandbox: str) -> Image:
    """Return the candidate's device code for all ``ARCHITECTURES``.

    Raises CandidateFault(INVALID) with the compiler's words; ProblemError without a compiler.
    """
    home = toolkit()
    if home is None:
        raise ProblemError(f"language cuda: expected a CUDA compiler on this machine, found none; {INSTALL}")
    nvcc = f"{home}/bin/nvcc"
    targets = " ".join(f"-gencode arch=compute_{each[3:]},code={each}" for each in ARCHITECTURES)
    newest = ARCHITECTURES[-1][3:]
    targets += f" -gencode arch=compute_{newest},code=compute_{newest}"
    script = (
        f"{nvcc} {targets} -fatbin -Xptxas -v --keep -o {_IMAGE} kernel.cu 2>told.txt || "
        "{ cat told.txt >&2; exit 1; }; cat told.txt; grep -ohE '(ld|st)[.]global[^ ]*' *.ptx | sort -u"
    )
    room = Programs(readable=(str(home),))
    source = candidate.source.encode(errors="surrogatepass")
    made = carried_out(Recipe(script, {"kernel.cu": source}, _IMAGE, (nvcc, "--version"), room), rooms, sandbox)
    found = _resources(made.told)
    known = {each.kernel for each in found}
    for launch in launches.launches:
        if launch.kernel not in known:
            raise _invalid(
                f'launch of {launch.kernel}: expected a kernel of that name, extern "C" __global__; found '
                f"{', '.join(sorted(known)) or 'none'}"
            )
    return Image(made.content, found, _access_bytes(made.told), made.cached, made.cost)


def emulated(candidate: Candidate, launches: Launches, rooms: Rooms, sandbox: str) -> Built:
    """Return a shared object with the interface's function, which runs the launches in the emulator.

    Raises CandidateFault(INVALID) with the compiler's words.
    """
    source = _DYNAMIC.sub(r"static \1* const \2 = (\1*)emulated::dynamic_shared;", candidate.source)
    sources = {name: _text(name) for name in ("emulator.cpp", "emulator.hpp", "trace.hpp")}
    runtime = carried_out(Recipe(_RUNTIME, sources, "emulator.o", ("g++", "-v")), rooms, sandbox)
    given = {
        "emulator.hpp": sources["emulator.hpp"],
        "emulator.o": runtime.content,
        "cuda_runtime.h": b"",
        "kernel.cu": source.encode(errors="surrogatepass"),
        "entry.cpp": _entry(launches).encode(),
    }
    made = carried_out(Recipe(_EMULATE, given, _OBJECT, ("g++", "-v")), rooms, sandbox)
    return Built(made.content, Notes(0, ()), made.cached, made.cost + runtime.cost)


@cache
def _text(name: str) -> bytes:
    return (files(__package__) / name).read_bytes()


def _entry(launches: Launches) -> str:
    interface = launches.interface
    lines = ['#include "emulator.hpp"', '#include "kernel.cu"', f'extern "C" {interface.prototype} {{']
    lines.append("emulated::begin();")
    for buffer in interface.buffers:
        told = f"{_true(buffer in interface.inputs)}, {_true(buffer.dtype in _INDICES)}"
        lines.append(f'emulated::span("{buffer.name}", {buffer.name}, {_bytes(launches, buffer.name)}, {told});')
    for each in launches.scratch:
        told = f"{_bytes(launches, each.name)}, {_true(each.dtype in _INDICES)}"
        lines.append(f'emulated::Scratch {each.name}_memory("{each.name}", {told});')
        lines.append(f"auto* {each.name} = ({launches.c_type(each.name)}){each.name}_memory.start();")
    lines += [_called(launches, each) for each in launches.launches]
    return "\n".join([*lines, "}", ""])


def _true(holds: bool) -> str:
    return str(holds).lower()


def _called(launches: Launches, launch: Launch) -> str:
    types = ", ".join(launches.signature(launch))
    grid, block = (", ".join(map(in_c, each)) for each in (launch.grid, launch.block))
    touched = dict.fromkeys(map(in_c, launch.arguments))
    footprint = " + ".join(filter(None, (_bytes(launches, each) for each in touched))) or "0"
    given = [f"dim3({grid})", f"dim3({block})", in_c(launch.shared), footprint, *map(in_c, launch.arguments)]
    return f"emulated::launch<{types}>(::{launch.kernel}, {', '.join(given)});"


def _bytes(launches: Launches, name: str) -> str:
    """Return the bytes of a buffer or of scratch memory as C++ reckons them; empty for what is neither."""
    for buffer in launches.interface.buffers:
        if buffer.name == name:
            return " * ".join(f"INT64_C({each})" if isinstance(each, int) else each for each in buffer.shape) + (
                f" * {ITEM_BYTES[buffer.dtype]}"
            )
    found = next((each for each in launches.scratch if each.name == name), None)
    return f"{in_c(found.elements)} * {ITEM_BYTES[found.dtype]}" if found else ""


def _resources(told: str) -> tuple[Resources, ...]:
    parts = _ENTRY.split(told)
    found = []
    for kernel, architecture, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        frame, used, shared = _STACK.search(text), _USED.search(text), _SHARED.search(text)
        if frame is None or used is None:
            raise ProblemError(f"language cuda: expected nvcc to tell what {kernel} uses, got {text[:200]!r}")
        stack, stored, loaded = map(int, frame.groups())
        bytes_shared = int(shared[1]) if shared else 0
        found.append(Resources(kernel, architecture, int(used[1]), stored + loaded, stack, bytes_shared))
    return tuple(sorted(found))


def _access_bytes(told: str) -> int:
    vectors = [int(count) * int(bits) // 8 for count, bits in _VECTOR.findall(told)]
    single = [int(bits) // 8 for bits in _WIDE.findall(told)]
    return max([*vectors, *single], default=0)


def _invalid(detail: str) -> CandidateFault:
    return CandidateFault(Status.INVALID, detail)
