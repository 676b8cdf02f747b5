"""What runs beside the Python of a foreign task, inside a sandbox. Sent as text; see ``_oracle`` and ``_interface``.

Two kinds of worker load it, never one process: the task's own, which draws inputs and answers what is right, and a
candidate's (or the bar's), which is called under the task's contract. What crosses are tensors as bytes, and trees:
``["t", i]`` is the i-th tensor, ``["v", value]`` a plain value, ``["l", ...]`` and ``["u", ...]`` list and tuple.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType
    from typing import Any

    from .._worker import INVALID, PROTOCOL, Fault

HALVES = ("float16", "bfloat16")
DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool", *HALVES)
"""A bool crosses as uint8. A half crosses as its bits, and as an output in float32, which holds it exactly."""


def on_cpu(source: str, filename: str) -> Any:
    """Return the source's code with every ``"cuda"`` in it read as ``"cpu"``. Raises SyntaxError, ValueError."""
    import ast

    tree = ast.parse(source, filename)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.partition(":")[0] == "cuda":
            node.value = "cpu"
    return compile(tree, filename, "exec", dont_inherit=True)


def without_cuda() -> Any:
    """Return torch, on one thread, with the calls that want a GPU made calls that want none."""
    import torch

    torch.set_num_threads(1)
    for kind in (torch.Tensor, torch.nn.Module):
        kind.cuda = lambda self, *given, **named: self
    torch.cuda.synchronize = lambda *given, **named: None
    return torch


def module_of(name: str, source: str, scope: dict[str, Any]) -> Any:
    """Run ``source`` as the module ``name`` and return it. Raises Fault where it is not Python, and what it raises."""
    try:
        code = on_cpu(source, f"{name}.py")
    except (SyntaxError, ValueError, RecursionError) as error:
        raise Fault(INVALID, f"{name}.py does not compile: {error}") from None
    module = ModuleType(name)
    module.__dict__.update(scope)
    module.__file__ = f"{name}.py"
    sys.modules[name] = module
    exec(code, module.__dict__)
    return module


def flat(value: Any, tensors: list[Any]) -> list[Any]:
    """Return the tree of ``value`` and append its tensors. Raises Fault for what cannot be handed over."""
    import torch

    if isinstance(value, torch.Tensor):
        tensors.append(value.detach())
        return ["t", len(tensors) - 1]
    if value is None or type(value) in (bool, int, float, str):
        return ["v", value]
    if type(value) is torch.dtype:
        return ["y", str(value).partition(".")[2]]
    if type(value) in (list, tuple):
        return ["u" if type(value) is tuple else "l", [flat(each, tensors) for each in value]]
    if type(value) is dict and all(type(key) is str for key in value):
        return ["d", [[key, flat(each, tensors)] for key, each in value.items()]]
    raise Fault(INVALID, f"expected tensors, plain values, lists, tuples and dicts of them, got {type(value).__name__}")


def whole(tree: Sequence[Any], leaf: Callable[[Sequence[Any]], Any]) -> Any:
    """Return the value of a tree; ``leaf`` gives what stands for a tensor or a size."""
    tag, content = tree[0], tree[1]
    if tag == "v":
        return content
    if tag == "y":
        return getattr(sys.modules["torch"], content)
    if tag == "d":
        return {key: whole(each, leaf) for key, each in content}
    if tag in ("l", "u"):
        values = [whole(each, leaf) for each in content]
        return tuple(values) if tag == "u" else values
    return leaf(tree)


def tensors_in(result: Any) -> Iterator[Any]:
    """Give the tensors of an answer, in order; a plain number is one too."""
    import torch

    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, dict):
        for each in result.values():
            yield from tensors_in(each)
    elif isinstance(result, list | tuple):
        for each in result:
            yield from tensors_in(each)
    elif type(result) in (bool, int, float):
        yield torch.tensor(result)
    elif type(result).__module__ == "numpy":
        yield torch.as_tensor(result)
    elif result is not None:
        raise Fault(PROTOCOL, f"expected tensors, got {type(result).__name__[:80]}")


class Foreign:
    """A candidate under the task's contract, called with tensors over the arena. Takes a kernel's place in its loop.

    Its message tells ``contract``:

    - ``style`` (``module``, ``return`` or ``destination``) and ``entry``, the class or function;
    - ``args`` and ``init``, trees with ``["b", k]`` for buffer k, ``["c", k, j]`` for a copy of it in output j,
      ``["o", j]`` for output j and ``["s", name]`` for a size;
    - ``state``, the name and buffer of each parameter, and ``returns``, the output of each answer;
    - ``modules``, texts that it may import, by name;
    - ``bools`` and ``single``, buffers that are bool or of no dimension, ``halves``, the dtype of those that are, and
      ``outputs``, how many.
    """

    def __init__(self, message: dict[str, Any], memory: Any):
        self._torch = without_cuda()
        program, told = message["program"], message["contract"]
        for name, text in told["modules"].items():
            module_of(name, text, {})
        program.code = on_cpu(message["source"], program.code.co_filename)
        program.begin(0)
        if not callable(entry := getattr(sys.modules["candidate"], told["entry"], None)):
            raise Fault(INVALID, f"expected {told['entry']} at the top level, found none")
        self._entry: Callable[..., Any] = entry
        self._told = told
        self._memory = memory
        self._buffers = message["buffers"]
        self._names = message["names"]
        self._inputs = len(message["buffers"]) - told["outputs"]
        self._models: dict[str, Any] = {}
        self.before = self.function

    def arguments(self, call: tuple[Sequence[int], Sequence[int]]) -> tuple[Any, ...]:
        """Return what one call needs, made ready while no time is taken."""
        starts, sizes = call
        named = dict(zip(self._names, sizes, strict=True))
        views = [self._view(k, start, named) for k, start in enumerate(starts)]
        inputs, kept = views[: self._inputs], views[self._inputs :]
        outputs = [self._answer(self._inputs + j, view) for j, view in enumerate(kept)]
        copies: list[Any] = []

        def leaf(tree: Sequence[Any]) -> Any:
            if tree[0] == "s":
                return named[tree[1]]
            if tree[0] == "c":
                copies.append((outputs[tree[2]], inputs[tree[1]]))
            return inputs[tree[1]] if tree[0] == "b" else outputs[tree[-1]]

        given = whole(self._told["args"], leaf)
        if self._told["style"] == "destination":
            given = (*given, *outputs)
        function, state = self._entry, []
        if self._told["style"] == "module":
            function = self._model(whole(self._told["init"], leaf))
            state = self._state(function, inputs)
        widened = [pair for pair in zip(kept, outputs, strict=True) if pair[0] is not pair[1]]
        return (function, given, outputs, [copies, state, widened])

    def _answer(self, k: int, view: Any) -> Any:
        """Return what an answer is written to: the arena, or a half of its own that is widened afterwards."""
        half = self._told["halves"].get(k)
        return view if half is None else self._torch.full_like(view, float("nan"), dtype=getattr(self._torch, half))

    def _view(self, k: int, start: int, named: dict[str, int]) -> Any:
        dtype, shape = self._buffers[k]
        shape = [named.get(each, each) for each in shape]
        count = 1
        for each in shape:
            count *= each
        view = self._torch.frombuffer(self._memory, dtype=getattr(self._torch, dtype), count=count, offset=start)
        if k in self._told["bools"]:
            view = view.view(self._torch.bool)
        elif dtype == "uint16":
            view = view.view(getattr(self._torch, self._told["halves"][k]))
        return view.reshape(() if k in self._told["single"] else shape)

    def _model(self, init: Any) -> Any:
        key = repr(init)
        if key not in self._models:
            self._torch.manual_seed(0)
            self._models[key] = self._entry(*init)
        return self._models[key]

    def _state(self, model: Any, inputs: Sequence[Any]) -> list[Any]:
        parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
        state = []
        for name, k in self._told["state"]:
            held = parameters.get(name, buffers.get(name))
            if held is None or held.shape != inputs[k].shape:
                told = "none" if held is None else f"shape {tuple(held.shape)}"
                expected = f"expected the model to have {name} of shape {tuple(inputs[k].shape)}, as the reference has"
                raise Fault(INVALID, f"{expected}: got {told}")
            state.append((held, inputs[k], name in parameters))
        return state

    def function(self, function: Any, given: Any, outputs: Any, around: Any) -> None:
        """Make one call, and leave its answers in the outputs."""
        copies, state, widened = around
        with self._torch.no_grad():
            for target, source in copies:
                target.copy_(source)
            for held, values, is_parameter in state:
                if is_parameter:
                    held.data = values
                else:
                    held.copy_(values)
            self._keep(function(*given), outputs)
            for target, half in widened:
                target.copy_(half)

    def _keep(self, result: Any, outputs: Sequence[Any]) -> None:
        found, returns = list(tensors_in(result)), self._told["returns"]
        if not found and self._told["in_place"]:
            return
        if len(found) != len(returns):
            raise Fault(PROTOCOL, f"expected {len(returns)} tensor(s) as the reference answers, got {len(found)}")
        for answer, j in zip(found, returns, strict=True):
            wanted = outputs[j]
            if answer.shape != wanted.shape or answer.dtype != wanted.dtype:
                expected = f"expected {wanted.dtype} of shape {tuple(wanted.shape)}"
                raise Fault(PROTOCOL, f"output {j}: {expected}, got {answer.dtype} of shape {tuple(answer.shape)}")
            if answer.data_ptr() != wanted.data_ptr() or not answer.is_contiguous():
                wanted.copy_(answer)
