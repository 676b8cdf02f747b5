"""The candidate's side of Triton kernels: they run in Triton's interpreter, and are watched. Sent as text.

The interpreter runs the programs of a launch one after the other, on NumPy, and reads and writes wherever a pointer
points. What is right in it may be wrong on a device; so here

- programs run in an order that changes from launch to launch, and two runs must be equal to the bit;
- what programs touch is written down, and two that meet where one of them writes plainly are a race;
- a load or store outside of the tensors that a kernel was given ends the run before it is made;
- ``tl.dot`` of float32 rounds its factors to TF32, as a device does, unless it is told otherwise;
- bfloat16, which the interpreter reckons wrong, is refused.

All of it is a guard against mistakes, not against malice: the candidate could undo it, its process is its own.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._kernel_host import watched_host
    from ._kernel_trace import Recorder, record
    from ._kernel_worker import Interpreted, defined
    from ._worker import CRASHED, FILENAME, INVALID, Fault

READS, WRITES, UPDATES = range(3)
_NO_BFLOAT16 = "bfloat16: the interpreter reckons it wrong, so it cannot be checked; take float32 or float16"
_NO_AUTOTUNE = "triton.autotune: there is nothing to time while a kernel is checked; choose by the sizes"


class Watch:
    """What the programs of a launch touch, and the order they run in."""

    def __init__(self, numpy: Any):
        self.launches = 0
        self.fault: Fault | None = None
        self._np = numpy
        self._kernel = ""
        self._program = 0
        self._grid = (1, 1, 1)
        self._order: Any = None
        self._spans: Any = None
        self._touched: list[tuple[int, int, Any]] = []

    def begin(self, kernel: str, tensors: Sequence[Any]) -> None:
        """A launch begins with these tensors."""
        self.launches += 1
        self._kernel = kernel
        self._touched = []
        storages = [tensor.untyped_storage() for tensor in tensors]
        spans = sorted((storage.data_ptr(), storage.data_ptr() + storage.nbytes()) for storage in storages)
        self._spans = self._np.array(spans, dtype=self._np.uint64).reshape(-1, 2)

    def grid(self, dimensions: tuple[int, int, int]) -> None:
        """Its programs are so many, and take this order."""
        self._grid = dimensions
        count = dimensions[0] * dimensions[1] * dimensions[2]
        self._order = self._np.random.default_rng(self.launches).permutation(count)

    def next(self, place: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return which program runs where the interpreter would run the one at ``place``."""
        _, rows, layers = self._grid
        self._program = int(self._order[(place[0] * rows + place[1]) * layers + place[2]])
        return self._program // (rows * layers), self._program // layers % rows, self._program % layers

    def touch(self, how: int, pointers: Any, mask: Any) -> None:
        """The running program is about to access these addresses. Raises Fault for one that is not its own."""
        np, element = self._np, pointers.get_element_ty()
        if element.name == "bf16":
            raise self.failed(INVALID, _NO_BFLOAT16)
        found = np.asarray(pointers.data, dtype=np.uint64)
        found = found[np.asarray(mask.data, dtype=bool)] if mask is not None else found.reshape(-1)
        if not found.size:
            return
        size = max(1, element.primitive_bitwidth // 8)
        at = np.searchsorted(self._spans[:, 0], found, side="right")
        if not (at.all() and (found + np.uint64(size) <= self._spans[at - 1, 1]).all()):
            what = "a load from" if how == READS else "a store to"
            raise self.failed(CRASHED, f"{what} an address outside of the tensors that the kernel was given")
        self._touched.append((how, self._program, found))

    def end(self) -> None:
        """The launch is over. Raises Fault where two of its programs met."""
        np = self._np
        if not any(how != READS for how, _, _ in self._touched):
            return
        addresses = np.concatenate([found for _, _, found in self._touched])
        counts = [found.size for _, _, found in self._touched]
        programs = np.repeat([program for _, program, _ in self._touched], counts)
        kinds = np.repeat([1 << how for how, _, _ in self._touched], counts)
        order = np.argsort(addresses, kind="stable")
        sorted_addresses, programs, kinds = addresses[order], programs[order], kinds[order]
        starts = np.flatnonzero(np.r_[True, sorted_addresses[1:] != sorted_addresses[:-1]])
        first, last = np.minimum.reduceat(programs, starts), np.maximum.reduceat(programs, starts)
        seen = np.bitwise_or.reduceat(kinds, starts)
        met = (first != last) & (seen != 1 << READS) & (seen != 1 << UPDATES)
        if met.any():
            at = int(np.flatnonzero(met)[0])
            told = f"a race: programs {first[at]} and {last[at]} of one launch meet at the same address"
            raise self.failed(CRASHED, f"{told}, and not by atomics alone: on a device their order is open")

    def failed(self, status: int, detail: str) -> Fault:
        """Return the fault, told with its place, and remember it: the candidate may catch what is raised."""
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != FILENAME:
            frame = frame.f_back
        where = f"{FILENAME}, line {frame.f_lineno}: " if frame is not None else ""
        self.fault = Fault(status, f"{where}kernel {self._kernel}, program {self._program}: {detail}")
        return self.fault


def install(watch: Watch) -> None:
    """Have Triton's interpreter tell ``watch`` of everything, and run programs in its order."""
    import triton
    from triton.runtime import interpreter

    builder, executor = interpreter.interpreter_builder, interpreter.GridExecutor
    set_dimensions, set_place, launch = builder.set_grid_dim, builder.set_grid_idx, executor.__call__

    def dimensions(*sizes: int) -> None:
        watch.grid(sizes)  # type: ignore[arg-type]
        set_dimensions(*sizes)

    def called(self: Any, *arguments: Any, **options: Any) -> None:
        given = [getattr(each, "base", each) for each in (*arguments, *options.values())]
        watch.begin(self.fn.__name__, [each for each in given if hasattr(each, "untyped_storage")])
        launch(self, *arguments, **options)
        watch.end()

    def refused(*_: Any, **__: Any) -> None:
        raise Fault(INVALID, _NO_AUTOTUNE)

    builder.set_grid_dim = dimensions
    builder.set_grid_idx = lambda *place: set_place(*watch.next(place))
    executor.__call__ = called
    triton.autotune = refused
    _watch_memory(watch, builder)
    _watch_numbers(watch, builder, interpreter)
    _look_once(interpreter)


def _watch_memory(watch: Watch, builder: Any) -> None:
    load, store = builder.create_masked_load, builder.create_masked_store
    change, exchange = builder.create_atomic_rmw, builder.create_atomic_cas

    def masked_load(pointers: Any, mask: Any, *rest: Any) -> Any:
        watch.touch(READS, pointers, mask)
        return load(pointers, mask, *rest)

    def masked_store(pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        watch.touch(WRITES, pointers, mask)
        return store(pointers, value, mask, *rest)

    def atomic_rmw(how: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        watch.touch(UPDATES, pointers, mask)
        return change(how, pointers, value, mask, *rest)

    def atomic_cas(pointers: Any, *rest: Any) -> Any:
        watch.touch(UPDATES, pointers, None)
        return exchange(pointers, *rest)

    builder.create_masked_load, builder.create_masked_store = masked_load, masked_store
    builder.create_atomic_rmw, builder.create_atomic_cas = atomic_rmw, atomic_cas


def _watch_numbers(watch: Watch, builder: Any, interpreter: Any) -> None:
    np, dot, cast = interpreter.np, builder.create_dot, builder.cast_impl
    tf32 = interpreter._ir.INPUT_PRECISION.TF32

    def rounded(handle: Any) -> Any:
        if handle.dtype.scalar.name != "fp32":
            return handle
        bits = np.ascontiguousarray(handle.data).view(np.uint32)
        return interpreter.TensorHandle(((bits + 0x1000) & 0xFFFFE000).view(np.float32), handle.dtype)

    def product(a: Any, b: Any, total: Any, precision: Any, *rest: Any) -> Any:
        if precision == tf32:
            a, b = rounded(a), rounded(b)
        return dot(a, b, total, precision, *rest)

    def converted(source: Any, target: Any) -> Any:
        if "bf16" in (source.dtype.scalar.name, target.scalar.name):
            raise watch.failed(INVALID, _NO_BFLOAT16)
        return cast(source, target)

    builder.create_dot, builder.cast_impl = product, converted


def _look_once(interpreter: Any) -> None:
    """Have it look once for what of the language it must replace: in each call of ``tl.sum`` that is a third of all."""
    is_builtin, replace = interpreter.tl.core.is_builtin, interpreter._patch_attr
    members = interpreter.inspect.getmembers
    known: dict[Any, list[str]] = {}

    def replaced(package: Any, builder: Any, scope: Any) -> None:
        if package not in known:
            known[package] = [name for name, found in members(package) if is_builtin(found)]
        for name in known[package]:
            if is_builtin(found := getattr(package, name)):
                replace(package, name, found, builder, scope)

    interpreter._patch_builtin = replaced


class Launched(Interpreted):
    """A host function, called with tensors over the arena; what it launches is interpreted and watched."""

    def __init__(self, message: dict[str, Any], memory: Any):
        import linecache

        import numpy as np
        import torch

        watch = Watch(np)
        install(watch)
        self._recorder = Recorder(np)
        record(self._recorder)
        source = message["source"]
        # Triton reads a kernel's text again.
        linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
        super().__init__(message, memory, guarded(watch, defined(message)))
        self._tensor = torch.from_numpy
        self._guarded = self.function
        self.function = self._called
        self._words = self._programs = 0

    def make_ready(self, told: dict[str, Any], calls: Sequence[tuple[Any, ...]]) -> None:
        """Write down calls from here on, in so many words of the arena's beginning; 0 for none.

        Of a launch with more than ``programs`` programs, only those that are written down are run.
        """
        self._words, self._programs = told["record"], told["programs"]

    def _called(self, *arguments: Any) -> None:
        if not self._words:
            self._guarded(*arguments)
            return
        self._recorder.start(self._words - 1, self._programs)
        try:
            with watched_host(self._recorder):
                self._guarded(*arguments)
        finally:
            words = self._recorder.stop()
        memory = self._array(self._memory, "int64", self._words)
        memory[1 : 1 + len(words)] = words
        memory[0] = len(words)

    def arguments(self, call: tuple[Sequence[int], Sequence[int]]) -> tuple[Any, ...]:
        """Return what the function is called with."""
        given, count = super().arguments(call), len(self._buffers)
        return (*map(self._tensor, given[:count]), *given[count:])


def guarded(watch: Watch, function: Callable[..., Any]) -> Callable[..., None]:
    """Return the function, which raises what ``watch`` found even where its own code caught it, and must launch."""

    def call(*arguments: Any) -> None:
        before, watch.fault = watch.launches, None
        try:
            function(*arguments)
        finally:
            if watch.fault is not None:
                raise watch.fault
        if watch.launches == before:
            raise Fault(INVALID, "the function launched no kernel")

    return call


def launched(message: dict[str, Any], memory: Any) -> Launched:
    """Return the kernel of a message, loaded under the interpreter. Raises Fault, and whatever the code raises."""
    import os

    os.environ.update({"TRITON_INTERPRET": "1", "TRITON_BACKENDS_IN_TREE": "1"})
    return Launched(message, memory)
