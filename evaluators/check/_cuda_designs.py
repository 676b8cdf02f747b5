"""CUDA kernels that do nothing, half of it, or harm: launches of their own, alone or behind an honest kernel's."""

from collections.abc import Sequence

from .._contract import Candidate, SourceFile
from ..kernel import C_TYPES, Buffer, KernelInterface
from ._python_attacks import Attack
from ._trials import Design

_SHORT = "{name}[i] = __uint_as_float(__float_as_uint({name}[i]) & 0xffff0000u)"
_NAN = "{name}[i] = __uint_as_float(0x7fc00000u)"
_ONE_WARP = "1, 32"


def cuda_constants(interface: KernelInterface) -> list[Design]:
    """Return kernels that do not look: nothing, zeros, ones, the first input again."""
    first = interface.inputs[0]
    texts = {
        "does nothing": _launched(interface, "nothing", [], "", _ONE_WARP),
        "writes zeros": _each(interface, interface.outputs, "{name}[i] = 0"),
        "writes ones": _each(interface, interface.outputs, "{name}[i] = 1"),
        "copies its first input": _each(
            interface, interface.outputs, f"{{name}}[i] = {first.name}[i % ({_count(first)})]"
        ),
    }
    return [Design(name, _candidate(interface, text), "constant") for name, text in texts.items()]


def cuda_attacks(interface: KernelInterface, honest: Candidate) -> list[Attack]:
    """Return the honest kernel with a launch behind it that spoils its answer, its inputs or its surroundings."""
    first, last = interface.inputs[0], interface.outputs[-1]
    floats = [buffer for buffer in interface.outputs if buffer.dtype == "float32"]

    def once(buffer: Buffer, body: str, shape: str = _ONE_WARP) -> str:
        return _launched(interface, "spoil", [buffer], body, shape)

    texts = {
        "leaves half of its answer out": _each(interface, interface.outputs, "if (i >= n / 2) {name}[i] = 0"),
        "changes an input": once(first, f"((unsigned char*){first.name})[0] ^= 1;"),
        "writes behind an output": once(last, f"((unsigned char*)({last.name} + {_count(last)}))[0] ^= 1;"),
        "writes before an input": once(first, f"((unsigned char*){first.name})[-1] ^= 1;"),
        "has blocks race": once(last, f"{last.name}[0] += blockIdx.x;", "2, 1"),
        "waits for threads that have returned": once(last, "if (threadIdx.x == 0) __syncthreads();"),
        "loops for ever": once(last, "for (volatile int spin = 0;;) spin = spin + 1;"),
    }
    if floats:
        texts["answers in half precision"] = _each(interface, floats, _SHORT)
        texts["answers NaN"] = _each(interface, floats, _NAN)
    return [
        Attack(Design(name, _candidate(interface, f"{honest.source}\n{text}"), "attack"), "no answer")
        for name, text in texts.items()
    ]


def _each(interface: KernelInterface, buffers: Sequence[Buffer], statement: str) -> str:
    """Return kernels that make the statement for each element ``i`` of ``n`` of every buffer, and their launches."""
    texts = []
    for buffer in buffers:
        count = _count(buffer)
        body = f"const int64_t n = {count}, i = blockIdx.x * (int64_t)256 + threadIdx.x; "
        body += f"if (i < n) {{ {statement.format(name=buffer.name)}; }}"
        given = [interface.inputs[0], buffer]
        texts.append(_launched(interface, f"all_of_{buffer.name}", given, body, f"({count} + 255) / 256, 256"))
    return "".join(texts)


def _launched(interface: KernelInterface, name: str, buffers: Sequence[Buffer], body: str, shape: str) -> str:
    """Return a kernel that takes the buffers and all sizes, and its launch with grid and block of ``shape``."""
    kinds = {each.name: "const " if each in interface.inputs else "" for each in buffers}
    taken = [f"{kinds[each.name]}{C_TYPES[each.dtype]}* {each.name}" for each in buffers]
    taken += [f"int64_t {size}" for size in interface.sizes]
    given = ", ".join([*kinds, *interface.sizes])
    kernel = f'extern "C" __global__ void {name}({", ".join(taken)}) {{ {body} }}'
    return f"{kernel}\n// launch: {name}<<<{shape}>>>({given})\n"


def _count(buffer: Buffer) -> str:
    return " * ".join(map(str, buffer.shape))


def _candidate(interface: KernelInterface, text: str) -> Candidate:
    files = (SourceFile(path=interface.entry, text=f"#include <cstdint>\n{text}"),)
    return Candidate(files=files, language=interface.language)
