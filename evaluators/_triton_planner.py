"""What a Triton candidate's function has a device do, as numbers. Sent as text beside ``_triton_builder``.

Nothing of a candidate runs where a device is driven from: its function is called here, with arrays in place of inputs,
and each launch is compiled and written down with its grid and its arguments, as Triton's own launcher would hand them
to the driver. The call is then carried out elsewhere. So launches may depend on sizes only: a call is written down
twice, with other values in other memory, and both must be alike; and of torch it may ask for memory and views alone.
"""

from __future__ import annotations

from math import prod

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ._kernel_host import host_words, is_free, watched_host
    from ._triton_builder import Book, Target, record
    from ._worker import INVALID, Fault

RESIDUE = 16
"""Triton compiles another kernel for memory that does not begin at a multiple of so many bytes."""
_APART = 64
_CHANGED = 1 << 12
"""Elements at an array's beginning that are others in the second call. More of it would have to be there."""
_POINTS = frozenset({"data_ptr", "untyped_storage"})
"""Asked for by Triton itself, to tell a kernel's arguments."""
_FLOATS = {"fp16": ("f2", "u2", 0), "bf16": ("f4", "u4", 16), "fp32": ("f4", "u4", 0), "fp64": ("f8", "u8", 0)}
"""How a number is rounded, read as an integer, and shifted: what the launcher does by hand."""
_ALONE = ("num_ctas", "launch_cooperative_grid", "launch_pdl")
_WORDS = 1 << 64


class Plan(Book):
    """The launches of one call, with their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Fault | None = None
        self._arrays: dict[int, Any] = {}
        self._own: dict[int, Any] = {}
        self._earlier: dict[int, Any] = {}

    def begin(self, arrays: Iterable[Any], *, again: bool) -> None:
        """A call begins with these arrays, for the first time or ``again``."""
        # What the call before was made with is held, so that nothing else can begin there.
        self._earlier = {**self._own, **self._arrays} if again else {}
        self.launches, self.fault, self._own = [], None, {}
        self._arrays = {array.ctypes.data: array for array in arrays}

    def host(self, name: str, arguments: Any, found: Any) -> None:
        """Torch did something. Raises Fault where a device's part of it would be lost."""
        if name not in _POINTS and not is_free(name, arguments, found):
            raise self.failed(host_words(name))

    def hand(self, facts: Mapping[str, Any], values: Iterable[Any], kinds: Iterable[Any]) -> None:
        """Add to the last launch what it is handed, and its memory for a program; leave it out where it has none."""
        launch = self.launches[-1]
        if prod(launch["grid"]) <= 0:
            self.launches.pop()
            return
        odd = [name for name in _ALONE if int(facts.get(name) or 0) > int(name == "num_ctas")]
        if odd:
            raise self.failed(f"{odd[0]}: blocks are launched one by one; leave it out")
        launch["arguments"] = [each for pair in zip(values, kinds, strict=True) for each in self._flat(*pair)]
        launch["beside"] = [int(facts[f"{each}_scratch_size"]) for each in ("global", "profile")]

    def _flat(self, value: Any, told: tuple[Any, Any]) -> list[list[int | str]]:
        """Return a parameter as it is passed; nothing for what is part of the compiled kernel."""
        kind, how = told
        if isinstance(kind, tuple):
            return [each for part in zip(value, zip(kind, how, strict=True), strict=True) for each in self._flat(*part)]
        if kind == "constexpr":
            return []
        if kind.startswith("*"):
            return [self._pointer(value)]
        if kind in _FLOATS:
            import numpy as np

            rounded, whole, shift = _FLOATS[kind]
            return [["bits", int(np.array(value, rounded).view(whole)) >> shift, 0]]
        if kind[0] in "iu":
            return [["bits", int(value) % _WORDS, 0]]
        raise self.failed(f"a {kind} that is made outside of kernels; make it in the kernel")

    def _pointer(self, value: Any) -> list[int | str]:
        tensor = getattr(value, "base", value)
        if not hasattr(tensor, "untyped_storage"):
            raise self.failed("a pointer that is no tensor")
        storage, at = tensor.untyped_storage(), tensor.data_ptr()
        start = storage.data_ptr()
        if at == 0:
            return ["bits", 0, 0]
        if start in self._arrays:
            return ["buffer", list(self._arrays).index(start), at - start]
        if start in self._earlier:
            raise self.failed("memory of an earlier call; take torch.empty in each call")
        self._own.setdefault(start, storage)
        return ["own", list(self._own).index(start), at - start]

    def failed(self, detail: str) -> Fault:
        """Return the fault, and remember it: the candidate may catch what is raised."""
        self.fault = self.fault or Fault(INVALID, f"{detail}. Launches must follow from the sizes alone")
        return self.fault

    def told(self) -> dict[str, Any]:
        """Return the call, over. Raises Fault for what went wrong in it."""
        if self.fault is not None:
            raise self.fault
        if not self.launches:
            raise Fault(INVALID, "the function launched no kernel")
        return {"launches": self.launches, "own": [storage.nbytes() for storage in self._own.values()]}


def hand_over(plan: Plan) -> None:
    """Have launches written down with their arguments; ``record`` has been called before."""
    from triton.runtime.driver import driver
    from triton.runtime.jit import JITFunction

    launched = JITFunction.run

    def handed(self: Any, *arguments: Any, **options: Any) -> Any:
        kernel = launched(self, *arguments, **options)
        binder = self.device_caches[driver.active.get_current_device()][-1]
        given = {name: value for name, value in options.items() if name not in ("grid", "warmup")}
        bound, kinds, _ = binder(*arguments, **given)
        plan.hand(kernel.facts, bound.values(), kinds)
        return kernel

    JITFunction.run = handed


def planned(function: Callable[..., Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each call of the job launches on its architecture, and the kernels. Raises Fault."""
    from triton.runtime.driver import driver

    plan = Plan()
    record(plan, job["assembler"])
    hand_over(plan)
    driver.set_active(Target(job["architecture"]))
    found = []
    for call in job["calls"]:
        first, second = (_told(plan, function, job, call, again) for again in (False, True))
        if first != second:
            sizes = ", ".join(f"{name}={size}" for name, size in zip(job["names"], call[0], strict=True))
            raise Fault(INVALID, f"at {sizes} two calls launch differently. Launches must follow from the sizes alone")
        found.append(first)
    return {"calls": found, "kernels": plan.kernels}


def _told(plan: Plan, function: Callable[..., Any], job: Mapping[str, Any], call: Any, again: bool) -> dict[str, Any]:
    import torch

    sizes, residues = call
    named = dict(zip(job["names"], sizes, strict=True))
    arrays = [
        _array(dtype, [named.get(each, each) for each in shape], residue, int(again))
        for (dtype, shape), residue in zip(job["buffers"], residues, strict=True)
    ]
    tensors = [torch.from_numpy(array) for array in arrays]
    plan.begin(arrays, again=again)
    with watched_host(plan):
        function(*tensors, *sizes, *job["scalars"])
    return plan.told()


def _array(dtype: str, shape: list[int], residue: int, value: int) -> Any:
    """Return an array that begins so many bytes behind a multiple of ``RESIDUE``; its zeros take no memory."""
    import numpy as np

    size = prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(size + 2 * _APART, np.uint8)
    start = (residue - memory.ctypes.data) % _APART
    array = memory[start : start + size].view(dtype)
    array[:_CHANGED] = value
    return array.reshape(shape)
