"""How each framework draws a call of a task, and what answers it. Sent as text after ``_foreign``.

The same case and seed give the same inputs, so that they need not be sent back to be answered.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .._worker import INVALID, Fault
    from ._foreign import module_of, tensors_in


class Drawn:
    """One call of a task: what it is made with, and what answers it."""

    def __init__(self, given: Sequence[Any], answer: Callable[..., Any], init: Sequence[Any] = (), model: Any = None):
        self.given = list(given)
        self.names: list[str] = []
        self.init = list(init)
        self.model = model
        self.answer = answer
        """Called with the values of ``given``; of a module, ``model`` itself."""
        self.hands_outputs = False
        """Whether it may be handed a tensor only for an answer to be written there."""


def seeded(seed: int) -> None:
    """Seed everything that a task may draw from."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % (1 << 32))
    torch.manual_seed(seed)


def parameters_of(function: Any) -> list[str]:
    """Return the names of a function's positional parameters, without ``self``."""
    code = function.__code__
    names = list(code.co_varnames[: code.co_argcount])
    return names[1:] if names[:1] == ["self"] else names


def kernelbench(sources: dict[str, str], case: dict[str, Any], seed: int) -> Drawn:
    """Draw as KernelBench does: the weights after one seeding, the inputs after another."""
    scope = loaded(sources)["task"].__dict__
    seeded(seed)
    init = scope["get_init_inputs"]() if "get_init_inputs" in scope else []
    seeded(seed)
    model = scope["Model"](*init)
    seeded(seed + 1)
    drawn = Drawn(scope["get_inputs"](), model, init, model)
    drawn.names = parameters_of(type(model).forward)
    return drawn


def gpu_mode(sources: dict[str, str], case: dict[str, Any], seed: int) -> Drawn:
    """Draw as gpu-mode does: by ``generate_input``, the secret seed in place of the public one."""
    scope = loaded(sources)["reference"].__dict__
    seeded(seed)
    words = {**case, "seed": seed} if "seed" in case else case
    drawn = Drawn([scope["generate_input"](**words)], scope["ref_kernel"])
    drawn.names, drawn.hands_outputs = ["data"], True
    return drawn


def robust_kbench(sources: dict[str, str], case: dict[str, Any], seed: int) -> Drawn:
    """Draw as robust-kbench does, and take what the model hands to ``forward_fn`` for the call."""
    scope = loaded(sources)["task"].__dict__
    drawn = Drawn(_handed(scope, case, seed), scope["forward_fn"])
    drawn.names = parameters_of(scope["forward_fn"])
    return drawn


def robust_kbench_backward(sources: dict[str, str], case: dict[str, Any], seed: int) -> Drawn:
    """Draw as ``robust_kbench`` does and a gradient too, and take what is handed to ``backward_fn`` for the call."""
    from contextlib import suppress

    import torch

    modules = loaded(sources)
    scope, answer = modules["task"].__dict__, modules["reference"].__dict__["backward_fn"]
    given, context, calls = _handed(scope, case, seed), Saved(), []
    context.needs_input_grad = (True,) * len(given)

    def spy(*handed: Any) -> Any:
        calls.append(handed)
        raise SeenError

    function = scope["AutogradFunction"]
    function.backward_fn = spy
    with torch.no_grad():
        result = function.forward(context, *given)
        seeded(seed + 2)
        with suppress(SeenError):
            function.backward(context, torch.randn_like(result))
    if len(calls) != 1:
        raise Fault(INVALID, "expected AutogradFunction.backward to call backward_fn, it did not")
    for place, value in zip(case[".places"], given, strict=True):
        handed = next(tensors_in(calls[0][place]), None) if isinstance(value, torch.Tensor) else calls[0][place]
        if not (same(handed, value.detach()) if isinstance(value, torch.Tensor) else handed == value):
            raise Fault(INVALID, f"expected input {place} of backward_fn to be saved as forward was called with it")
    # A gradient may be the one that came in: answered, it is a tensor of its own.
    drawn = Drawn(calls[0], lambda *given: [each.clone() for each in tensors_in(answer(*given))])
    drawn.names = parameters_of(answer)
    return drawn


class SeenError(Exception):
    """What was to be found out is known, and the rest need not be done."""


class Saved:
    """What an autograd function saves things in. Only that: nothing is recorded."""

    saved_tensors: tuple[Any, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep them as ``saved_tensors``."""
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Take note of nothing."""

    mark_dirty = set_materialize_grads = mark_non_differentiable


def _handed(scope: dict[str, Any], case: dict[str, Any], seed: int) -> Sequence[Any]:
    """Return what the model hands to ``forward_fn``."""
    import json

    import torch

    seeded(seed)
    model = scope["Model"](**{name: case[place] for name, place in json.loads(case[".init"]).items()})
    seeded(seed + 1)
    inputs = scope["get_inputs"](**{name: case[name] for name in json.loads(case[".given"])})
    calls: list[Any] = []

    def spy(*given: Any) -> Any:
        calls.append(given)
        return scope["forward_fn"](*given)

    with torch.no_grad():
        model(*inputs, fn=spy)
    if len(calls) != 1:
        raise Fault(INVALID, f"expected the model to call forward_fn once, by position; it did {len(calls)} times")
    return calls[0]  # type: ignore[no-any-return]


def flashinfer(sources: dict[str, str], case: dict[str, Any], seed: int) -> Drawn:
    """Draw as flashinfer-bench does: normal floats, whole numbers of a range, scalars and stored tensors as told."""
    scope = loaded(sources)["task"].__dict__
    seeded(seed)
    drawn = Drawn([_made(case, *told[1:]) for told in case[".inputs"]], scope["run"])
    drawn.names = [told[0] for told in case[".inputs"]]
    return drawn


def _made(case: dict[str, Any], dtype: str, axes: Sequence[str] | None, value: Any) -> Any:
    import torch

    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        raise Fault(INVALID, f"expected a dtype of torch, got {dtype}")
    if axes is None:
        return (1.0 if kind.is_floating_point else 1) if value is None else value
    shape = [case[axis] for axis in axes]
    if isinstance(value, bytes):
        return torch.frombuffer(bytearray(value), dtype=kind).reshape(shape)
    if value is not None:
        return torch.full(shape, value, dtype=kind)
    if kind.is_floating_point:
        return torch.randn(shape).to(kind)
    low, high = {"int8": (-128, 128), "uint8": (0, 256), "bool": (0, 2)}.get(dtype, (-1024, 1024))
    return torch.randint(low, high, shape).to(kind)


FORMS = {
    "kernelbench": kernelbench,
    "gpu_mode": gpu_mode,
    "robust_kbench": robust_kbench,
    "robust_kbench_backward": robust_kbench_backward,
    "flashinfer": flashinfer,
}
_loaded: dict[str, Any] = {}


def loaded(sources: dict[str, str]) -> Any:
    """Return the task's modules by name, run once for the same texts. Later ones may import earlier ones."""
    key = repr(sorted(sources.items()))
    if _loaded.get("key") != key:
        _loaded.clear()
        modules = {name: module_of(name, text, {}) for name, text in sources.items()}
        _loaded.update(key=key, modules=modules)
    return _loaded["modules"]


def same(one: Any, other: Any) -> bool:
    """Return whether two tensors are the same to the bit."""
    import torch

    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(torch.equal(one.nan_to_num(), other.nan_to_num()) and torch.equal(one != one, other != other))
