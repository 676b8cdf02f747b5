"""Kernels that do nothing, half of it, or harm; made from the interface, around an honest kernel."""

from collections.abc import Sequence
from typing import Any

from .._contract import Candidate, SourceFile
from .._problem import Problem
from ..kernel import Buffer, KernelInterface, KernelProblem
from ..tasks import TaskInterface
from ._cuda_designs import cuda_attacks, cuda_constants
from ._python_attacks import Attack
from ._task_designs import task_attacks, task_constants
from ._trials import Design
from ._triton_designs import triton_attacks, triton_constants

_HEAD = "#include <cstdint>\n#include <cstring>\n#include <thread>\n#include <unistd.h>\n"


class KernelDesigns:
    """See ``KindDesigns``."""

    def constants(self, problem: Problem[Any]) -> list[Design]:
        """Return kernels that do not look: nothing, zeros, ones, the first input again."""
        interface = _interface(problem)
        if interface.tool == "nvcc":
            return cuda_constants(interface)
        if interface.tool == "triton":
            return triton_constants(interface)
        if isinstance(interface, TaskInterface) and interface.tool == "torch":
            return task_constants(interface, problem.seed())
        first = interface.inputs[0].name
        if interface.language == "c++":
            bodies = {
                "does nothing": "",
                "writes zeros": _each(interface, "{name}[i] = 0"),
                "writes ones": _each(interface, "{name}[i] = 1"),
                "copies its first input": _each(
                    interface, f"{{name}}[i] = {first}[i % ({_count(interface.inputs[0])})]"
                ),
            }
            return [Design(name, _cpp(interface, "", body), "constant") for name, body in bodies.items()]
        bodies = {
            "does nothing": "pass",
            "writes zeros": _lines(interface, "{name}[...] = 0"),
            "writes ones": _lines(interface, "{name}[...] = 1"),
            "copies its first input": _lines(interface, f"{{name}}[...] = np.resize({first}, {{name}}.shape)"),
        }
        return [
            Design(name, _python(interface, "import numpy as np", body), "constant") for name, body in bodies.items()
        ]

    def rules(self, problem: Problem[Any], honest: Candidate) -> list[Design]:
        """Return none: no kernel of one line could be right."""
        return []

    def attacks(self, problem: Problem[Any], honest: Candidate, claim: float, hidden: Sequence[str]) -> list[Attack]:
        """Return kernels that call the honest one and spoil something: its answer, its inputs, its surroundings."""
        interface = _interface(problem)
        if interface.tool == "nvcc":
            return cuda_attacks(interface, honest)
        if interface.tool == "triton":
            return triton_attacks(interface, honest)
        if isinstance(interface, TaskInterface) and interface.tool == "torch":
            assert isinstance(problem, KernelProblem)
            return task_attacks(interface, honest, problem.least_error)
        made = _cpp_attacks(interface) if interface.language == "c++" else _python_attacks(interface)
        wrap = _around_cpp if interface.language == "c++" else _around_python
        return [
            Attack(Design(name, wrap(interface, honest, body), "attack"), "no answer") for name, body in made.items()
        ]

    def memorising(
        self, problem: Problem[Any], honest: Candidate, plain: Candidate, names: Sequence[str]
    ) -> Design | None:
        """Return None: what a kernel is called with is drawn anew in each judging."""
        return None


def _cpp_attacks(interface: KernelInterface) -> dict[str, str]:
    call = f"honest_kernel({', '.join(interface.functions[0].parameters)}); "
    given, last = interface.inputs[0].name, interface.outputs[-1]
    found = {
        "leaves half of its answer out": call + _each(interface, "if (i >= n / 2) {name}[i] = 0"),
        "changes an input": f"{call}((unsigned char*){given})[0] ^= 1;",
        "writes behind an output": f"{call}((unsigned char*)({last.name} + {_count(last)}))[0] ^= 1;",
        "writes before an input": f"{call}((unsigned char*){given})[-1] ^= 1;",
        "starts a thread": f"std::thread later([] {{}}); later.join(); {call}",
        "ends its process": f"{call}_exit(0);",
        "answers of its own accord": f"char ok[9] = {{}}; for (int f = 3; f < 9; f++) (void)!write(f, ok, 9); {call}",
        "loops for ever": "for (volatile int spin = 0;;) spin = spin + 1;",
    }
    if any(buffer.dtype == "float32" for buffer in interface.outputs):
        short = (
            "uint32_t bits; std::memcpy(&bits, &{name}[i], 4); bits &= 0xffff0000u; std::memcpy(&{name}[i], &bits, 4)"
        )
        found["answers in half precision"] = call + _each(interface, short, "float32")
        found["answers NaN"] = call + _each(interface, '{name}[i] = __builtin_nanf("")', "float32")
    return found


def _python_attacks(interface: KernelInterface) -> dict[str, str]:
    call = f"honest_kernel({', '.join(interface.functions[0].parameters)})\n"
    given, last = interface.inputs[0].name, interface.outputs[-1].name
    behind = f"np.lib.stride_tricks.as_strided({last}.reshape(-1)[-1:], (2,))[1] += 1"
    found = {
        "leaves half of its answer out": call + _lines(interface, "{name}.reshape(-1)[{name}.size // 2 :] = 0"),
        "changes an input": f"{call}{given}.reshape(-1).view(np.uint8)[0] ^= 1",
        "writes behind an output": call + behind,
        "starts a thread": f"import threading\nt = threading.Thread(target=print)\nt.start()\n{call}",
        "ends its process": f"import os\n{call}os._exit(0)",
        "loops for ever": "while True:\n    pass",
    }
    if any(buffer.dtype == "float32" for buffer in interface.outputs):
        found["answers in half precision"] = call + _lines(
            interface, "{name}.view(np.uint32)[...] &= 0xffff0000", "float32"
        )
        found["answers NaN"] = call + _lines(interface, "{name}[...] = np.nan", "float32")
    return found


def _each(interface: KernelInterface, statement: str, dtype: str | None = None) -> str:
    """Return C++ that makes the statement for each element ``i`` of ``n`` of every output."""
    return " ".join(
        f"{{ const int64_t n = {_count(buffer)}; "
        f"for (int64_t i = 0; i < n; i++) {{ {statement.format(name=buffer.name)}; }} }}"
        for buffer in interface.outputs
        if dtype in (None, buffer.dtype)
    )


def _lines(interface: KernelInterface, statement: str, dtype: str | None = None) -> str:
    """Return Python that makes the statement for every output."""
    wanted = [buffer for buffer in interface.outputs if dtype in (None, buffer.dtype)]
    return "\n".join(statement.format(name=buffer.name) for buffer in wanted)


def _count(buffer: Buffer) -> str:
    return " * ".join(f"(int64_t){each}" for each in buffer.shape)


def _cpp(interface: KernelInterface, before: str, body: str) -> Candidate:
    text = f'{before}\n{_HEAD}extern "C" {interface.prototype} {{ {body} }}\n'
    return Candidate(files=(SourceFile(path=interface.entry, text=text),), language="c++")


def _around_cpp(interface: KernelInterface, honest: Candidate, body: str) -> Candidate:
    renamed = f"#define {interface.function} honest_kernel\n{honest.source}\n#undef {interface.function}"
    return _cpp(interface, renamed, body)


def _python(interface: KernelInterface, before: str, body: str) -> Candidate:
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"{before}\n\n\ndef {interface.functions[0].signature}:\n{indented}"
    return Candidate(files=(SourceFile(path=interface.entry, text=text),), language="python")


def _around_python(interface: KernelInterface, honest: Candidate, body: str) -> Candidate:
    before = f"{honest.source}\nimport numpy as np\nhonest_kernel = {interface.function}"
    return _python(interface, before, body)


def _interface(problem: Problem[Any]) -> KernelInterface:
    assert isinstance(problem.interface, KernelInterface)
    return problem.interface
