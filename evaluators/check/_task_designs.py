"""Candidates for a foreign task that do not look, or spoil what an honest one answered; under the task's contract."""

import re

from .._contract import Candidate, SourceFile
from ..tasks import TaskInterface
from ._python_attacks import Attack
from ._trials import Design

_HONEST = "honest_kernel"
_COMMON = """
import torch as spoiling


def tensors_in(value):
    if isinstance(value, spoiling.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [each for part in value for each in tensors_in(part)] if isinstance(value, (list, tuple)) else []


def filled_with(each, values):
    count = -(-each.numel() // values.numel())
    return each.copy_(values.reshape(-1).repeat(count)[: each.numel()].reshape(each.shape))


def spoiled(answer, given):
    first = tensors_in(given)[0]
    for each in tensors_in(answer):
        BODY
    return answer
"""
_FUNCTION = """

def ENTRY(*given):
    answer = honest_kernel(*given)
    return spoiled(OUTPUTS, given)
"""
_MODULE = """

class ENTRY(honest_kernel):
    def forward(self, *given):
        return spoiled(super().forward(*given), given)
"""
_IDLE_FUNCTION = """

def ENTRY(*given):
    return None
"""
_IDLE_MODULE = """

class ENTRY(honest_kernel):
    def forward(self, *given):
        return None
"""
_CONSTANTS = {
    "writes zeros": "each.zero_()",
    "writes ones": "each.fill_(1)",
    "copies its first input": "filled_with(each, first.to(each.dtype))",
}
_ATTACKS = {
    "leaves half of its answer out": "each.copy_(each.clone()).view(-1)[each.numel() // 2 :] = 0",
    "changes an input": "first.view(-1)[:1] = 1 - first.view(-1)[:1]",
    "starts a thread": "import threading; t = threading.Thread(target=print); t.start()",
    "ends its process": "import os; os._exit(0)",
    "loops for ever": "while True: pass",
}
_NAN = {"answers NaN": "each.mul_(float('nan'))"}
_SHORT = {"answers in half precision": "each.copy_(each.bfloat16())"}
_SHORT_ERROR = 2.0**-8
"""Of rounding to the eight bits of bfloat16: a task that allows as much allows that."""


def task_constants(interface: TaskInterface, honest: Candidate) -> list[Design]:
    """Return designs that answer without looking."""
    idle = _IDLE_MODULE if interface.style == "module" else _IDLE_FUNCTION
    designs = [Design("answers nothing", _beside(interface, honest, idle), "constant")]
    return designs + [Design(name, _around(interface, honest, body), "constant") for name, body in _CONSTANTS.items()]


def task_attacks(interface: TaskInterface, honest: Candidate, tolerance: float) -> list[Attack]:
    """Return designs that let the honest one answer, and then spoil it by more than the task's ``tolerance``."""
    halves, first = interface.contract["halves"], len(interface.inputs)
    floats = [k for k, buffer in enumerate(interface.outputs, first) if buffer.dtype.startswith("float")]
    full = [k for k in floats if k not in halves]
    bodies = {**_ATTACKS, **(_NAN if floats else {}), **(_SHORT if full and tolerance < _SHORT_ERROR else {})}
    return [
        Attack(Design(name, _around(interface, honest, body), "attack"), "no answer") for name, body in bodies.items()
    ]


def _around(interface: TaskInterface, honest: Candidate, body: str) -> Candidate:
    form = _MODULE if interface.style == "module" else _FUNCTION
    outputs = f"given[-{len(interface.outputs)}:]" if interface.style == "destination" else "answer"
    return _beside(interface, honest, _COMMON.replace("BODY", body) + form.replace("OUTPUTS", outputs))


def _beside(interface: TaskInterface, honest: Candidate, text: str) -> Candidate:
    """Return the honest design under another name, and ``text`` with ``ENTRY`` for its own."""
    renamed = re.sub(rf"\b{interface.function}\b", _HONEST, honest.source)
    text = renamed + text.replace("ENTRY", interface.function)
    return Candidate(files=(SourceFile(path=interface.entry, text=text),), language="python")
