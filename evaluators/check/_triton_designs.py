"""Triton kernels that do nothing, half of it, or harm: launches of their own, alone or behind an honest kernel's."""

from collections.abc import Sequence

from .._contract import Candidate, SourceFile
from ..kernel import Buffer, KernelInterface
from ._python_attacks import Attack
from ._trials import Design

_HEAD = "import triton\nimport triton.language as tl\n"
_BLOCK = 1024
_SHORT = "(tl.load({name} + at, mask=inside).to(tl.int32, bitcast=True) & -65536).to(tl.float32, bitcast=True)"
_COPIED = "tl.load(first + at % first_count, mask=inside).to({name}.dtype.element_ty)"


def triton_constants(interface: KernelInterface) -> list[Design]:
    """Return kernels that do not look: nothing, zeros, ones, the first input again."""
    texts = {
        "does nothing": _once(interface, interface.inputs[0], "pass"),
        "writes zeros": _each(interface, interface.outputs, "0"),
        "writes ones": _each(interface, interface.outputs, "1"),
        "copies its first input": _each(interface, interface.outputs, _COPIED),
    }
    return [Design(name, _candidate(interface, _HEAD, *text), "constant") for name, text in texts.items()]


def triton_attacks(interface: KernelInterface, honest: Candidate) -> list[Attack]:
    """Return the honest kernel and behind it what spoils its answer, its inputs or its surroundings."""
    first, last = interface.inputs[0], interface.outputs[-1]
    floats = [buffer for buffer in interface.outputs if buffer.dtype == "float32"]
    texts = {
        "leaves half of its answer out": _each(interface, interface.outputs, "0", "inside & (at >= count // 2)"),
        "changes an input": _once(interface, first, f"tl.store({first.name}, tl.load({first.name}) + 1)"),
        "writes behind an output": _once(interface, last, f"tl.store({last.name} + count, 0)"),
        "writes before an input": _once(interface, first, f"tl.store({first.name} - 1, 0)"),
        "has programs race": _once(interface, last, f"tl.store({last.name}, tl.load({last.name}) + 1)", 2),
        "loops for ever": _once(interface, last, "left = count\n    while left > 0:\n        left = left * 1"),
        "starts a thread": ("", "import threading\nlater = threading.Thread(target=print)\nlater.start()"),
        "ends its process": ("", "import os\nos._exit(0)"),
    }
    if floats:
        texts["answers in half precision"] = _each(interface, floats, _SHORT)
        texts["answers NaN"] = _each(interface, floats, 'float("nan")')
    before = f"{honest.source}\n{_HEAD}honest_kernel = {interface.function}\n"
    call = f"honest_kernel({', '.join(interface.functions[0].parameters)})\n"
    return [
        Attack(Design(name, _candidate(interface, before, kernels, call + body), "attack"), "no answer")
        for name, (kernels, body) in texts.items()
    ]


def _each(interface: KernelInterface, buffers: Sequence[Buffer], value: str, where: str = "inside") -> tuple[str, str]:
    """Return kernels that store a value in each element of every buffer, and their launches."""
    first = interface.inputs[0].name
    kernels, launches = [], []
    for buffer in buffers:
        name = buffer.name
        lines = [
            f"at = tl.program_id(0) * {_BLOCK} + tl.arange(0, {_BLOCK})",
            "inside = at < count",
            f"tl.store({name} + at, {value.format(name=name)}, mask={where})",
        ]
        body = "".join(f"    {line}\n" for line in lines)
        kernels.append(f"@triton.jit\ndef all_of_{name}({name}, count, first, first_count):\n{body}")
        given = f"{name}, {name}.numel(), {first}, {first}.numel()"
        launches.append(f"all_of_{name}[(triton.cdiv({name}.numel(), {_BLOCK}),)]({given})")
    return "\n".join(kernels), "\n".join(launches)


def _once(interface: KernelInterface, buffer: Buffer, body: str, programs: int = 1) -> tuple[str, str]:
    """Return a kernel that does something to a buffer of ``count`` elements, and its launch."""
    kernel = f"@triton.jit\ndef spoil({buffer.name}, count):\n    {body}\n"
    return kernel, f"spoil[({programs},)]({buffer.name}, {buffer.name}.numel())"


def _candidate(interface: KernelInterface, head: str, kernels: str, body: str) -> Candidate:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"{head}\n{kernels}\n\ndef {interface.functions[0].signature}:\n{indented}"
    return Candidate(files=(SourceFile(path=interface.entry, text=text),), language=interface.language)
