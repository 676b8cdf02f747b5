"""Backward tasks of robust-kbench: a folder's ``func_backward.py`` and ``config_backward.json``.

A candidate writes ``backward_fn``. The file's ``AutogradFunction`` says what is saved going forward, what is handed to
``backward_fn``, and whose gradients come back; what ``backward_fn`` does it leaves open. All that is read from its
text, and the reference is torch's own derivative of ``forward_fn``.
"""

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .._errors import ProblemError
from ._literals import parsed
from ._robust_kbench import ENTRY as FORWARD
from ._robust_kbench import MAKERS, TOLERANCE, cases_in
from ._task import KernelTask, kebab, without
from ._text import text_of

FILE, ENTRY = "func_backward.py", "backward_fn"
_CONFIG, _CLASS = "config_backward.json", "AutogradFunction"
_WRITTEN = """
import torch


def {entry}({parameters}):
{unpacked}    with torch.enable_grad():
        {wanted} = (each.detach().requires_grad_() for each in ({wanted}))
        forward = {forward}({given})
    return torch.autograd.grad(forward, ({wanted}), {gradient}){first}
"""


class Handed(NamedTuple):
    """What ``backward_fn`` is called with, and what it answers."""

    parameters: tuple[str, ...]
    """Names of what it is called with, in order."""
    gradient: str
    """That of the gradient that arrives."""
    inputs: tuple[str, ...]
    """Those of what ``forward_fn`` was called with, in its order."""
    wanted: tuple[str, ...]
    """Those whose gradients it answers, in order."""
    packed: tuple[str, ...]
    """Those that come as a tuple of one."""
    alone: bool
    """Whether it answers its one gradient by itself."""

    def written(self, source: str) -> str:
        """Return the reference as a candidate: ``source`` without what draws inputs, and the derivative behind it."""
        text = _WRITTEN.format(
            entry=ENTRY,
            parameters=", ".join(self.parameters),
            unpacked="".join(f"    ({name},) = {name}\n" for name in self.packed),
            wanted="".join(f"{name}, " for name in self.wanted).strip(),
            forward=FORWARD,
            given=", ".join(self.inputs),
            gradient=self.gradient,
            first="[0]" if self.alone else "",
        )
        return without(source, {*MAKERS, _CLASS}) + text


def robust_backward_task(file: Path) -> KernelTask:
    """Return the task of a folder's ``func_backward.py``. Raises ProblemError that says what is wrong with it."""
    source = text_of(file)
    handed = handed_in(parsed(source, str(file)), str(file))
    tests, benches = cases_in(file.with_name(_CONFIG))
    places = [handed.parameters.index(each) for each in handed.inputs]
    written = handed.written(source)
    return KernelTask(
        name=kebab("robust-kbench", f"{file.parent.name}-backward"),
        title=f"{file.parent.name.replace('_', ' ')}, backward",
        form="robust_kbench_backward",
        style="return",
        entry=ENTRY,
        parameters=handed.parameters,
        tests=tests,
        benches=benches,
        sources=lambda numbers: {"task": source, "reference": written},
        seed=lambda numbers: written,
        about=f"A backward task of robust-kbench: `{ENTRY}` answers the gradients that `{_CLASS}` asks it for.\n\n"
        f"```python\n{source.strip()}\n```",
        extra=lambda listed: {".places": places},
        tolerance=TOLERANCE,
    )


def handed_in(tree: ast.Module, name: str) -> Handed:
    """Return what the class hands to ``backward_fn``. Raises ProblemError where that cannot be read."""
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    kinds = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
    if FORWARD not in functions or _CLASS not in kinds:
        raise ProblemError(f"{name}: expected a function {FORWARD} and a class {_CLASS} at its top level")
    methods = {each.name: each for each in kinds[_CLASS].body if isinstance(each, ast.FunctionDef)}
    if not {"forward", "backward"} <= set(methods):
        raise ProblemError(f"{name}: {_CLASS}: expected methods forward and backward")
    try:
        return _read(functions[FORWARD], methods["forward"], methods["backward"])
    except _UnreadableError as error:
        raise ProblemError(f"{name}: {_CLASS}: expected {error}") from None


class _UnreadableError(Exception):
    """What was expected of the class."""


def _read(function: ast.FunctionDef, forward: ast.FunctionDef, backward: ast.FunctionDef) -> Handed:
    gradients = _names(backward)[1:]
    if len(gradients) != 1:
        raise _UnreadableError("backward(ctx, grad_output), with one gradient")
    inputs = _names(forward)[1 : 1 + len(_names(function))]
    known, packed = _known(forward, backward)
    call, targets = _call(backward)
    handed = [_local(each) for each in call.args]
    if handed.count(gradients[0]) != 1 or len({*handed}) < len(handed):
        raise _UnreadableError(f"backward_fn to be handed {gradients[0]}, and no two things of one name")
    place = {known[each]: each for each in handed if each in known}
    missing = [each for each in inputs if each not in place]
    if missing:
        raise _UnreadableError(
            f"backward_fn to be handed all that {FORWARD} is called with, of which torch derives the reference; it is "
            f"not handed {', '.join(missing)}"
        )
    answered = _returned(backward)
    wanted = [inputs[k] for k, each in enumerate(answered[: len(inputs)]) if each in targets]
    if sorted(each for each in answered if each) != sorted(targets):
        raise _UnreadableError(f"backward to return {', '.join(targets)} as backward_fn gave them, and None for others")
    order = sorted(wanted, key=lambda each: targets.index(answered[inputs.index(each)] or ""))
    return Handed(
        parameters=tuple(handed),
        gradient=gradients[0],
        inputs=tuple(place[each] for each in inputs),
        wanted=tuple(place[each] for each in order),
        packed=tuple(each for each in handed if each in packed),
        alone=isinstance(_target(backward), ast.Name),
    )


def _names(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args)]


def _known(forward: ast.FunctionDef, backward: ast.FunctionDef) -> tuple[dict[str, str], set[str]]:
    """Return which name in ``backward`` stands for which of what ``forward`` is called with; and which are tuples."""
    saved: list[str] = []
    kept: dict[str, str] = {}
    for node in ast.walk(forward):
        if isinstance(node, ast.Call) and _attribute(node.func) == "save_for_backward":
            saved = [each.id if isinstance(each, ast.Name) else "" for each in node.args]
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            kept.update({name: node.value.id for each in node.targets if (name := _attribute(each))})
    known, packed = dict(kept), set()
    for node in ast.walk(backward):
        if not isinstance(node, ast.Assign) or (source := _attribute(node.value)) is None:
            continue
        target = node.targets[0]
        if source != "saved_tensors":
            if isinstance(target, ast.Name) and source in kept:
                known[target.id] = kept[source]
        elif isinstance(target, ast.Name) and len(saved) == 1:
            known[target.id] = saved[0]
            packed.add(target.id)
        elif isinstance(target, ast.Tuple):
            known.update(zip((each.id for each in target.elts if isinstance(each, ast.Name)), saved, strict=False))
    return known, packed


def _attribute(node: ast.AST) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else None


def _target(backward: ast.FunctionDef) -> ast.expr:
    for node in ast.walk(backward):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _attribute(node.value.func) == ENTRY:
            return node.targets[0]
    raise _UnreadableError(f"backward to name what {ENTRY} answers: `grad_x, grad_y = {_CLASS}.{ENTRY}(...)`")


def _call(backward: ast.FunctionDef) -> tuple[ast.Call, list[str]]:
    """Return the call of ``backward_fn`` and the names that its answers are given."""
    calls = [each for each in ast.walk(backward) if isinstance(each, ast.Call) and _attribute(each.func) == ENTRY]
    target = _target(backward)
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    if len(calls) != 1 or calls[0].keywords or not all(isinstance(each, ast.Name) for each in names):
        raise _UnreadableError(f"one call of {ENTRY}, by position, whose answers are given names")
    return calls[0], [each.id for each in names if isinstance(each, ast.Name)]


def _local(node: ast.expr) -> str:
    name = node.id if isinstance(node, ast.Name) else _attribute(node)
    if name is None:
        raise _UnreadableError(f"{ENTRY} to be handed names, not `{ast.unparse(node)}`")
    return name


def _returned(backward: ast.FunctionDef) -> Sequence[str | None]:
    """Return the name at each place of what ``backward`` returns; None where nothing is derived."""
    values = [each.value for each in ast.walk(backward) if isinstance(each, ast.Return)]
    if len(values) != 1 or values[0] is None:
        raise _UnreadableError("backward to return once")
    found = values[0].elts if isinstance(values[0], ast.Tuple) else [values[0]]
    return [each.id if isinstance(each, ast.Name) else None for each in found]
