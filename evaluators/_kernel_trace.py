"""What a few programs of each launch do, written down while Triton's interpreter runs them. Sent as text to a worker.

Addresses and masks of every load, store and atomic operation, in the order in which threads take them, and how much is
reckoned. A trace is words of 64 bits, in records: four words, and what they announce.

    LAUNCH                programs, bytes of its tensors, 0; or 2, then the steps of all programs, and of the longest:
                          accesses that one of its threads makes. 0, 0 where not all programs have run
    PROGRAM               its number, 0, 0
    LOAD, STORE, ATOMIC   bytes of an element, 1 if nothing was reckoned since the access before and 0 else, elements,
                          then the address of each, -1 where it is masked
    WORK                  0, 0, 5, then operations: of half-precision products, of tf32 ones, of plain cores, special
                          ones, and bytes through shared memory

Integer arithmetic is left out, and so is what a compiler may fuse or drop: a bound on what is reckoned, not a count of
instructions.
"""

from __future__ import annotations

from math import prod

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._kernel_host import host_words, is_free
    from ._worker import INVALID, Fault

LAUNCH, PROGRAM, LOAD, STORE, ATOMIC, WORK = range(6)
HEAD = 4
"""Words before those that a record announces."""
HALF, TF32, PLAIN, SPECIAL, SHARED = range(5)
WATCHED = 4
"""Programs of a launch that are written down, from all over its grid."""
_SPECIAL = frozenset({"exp", "exp2", "log", "log2", "sqrt", "sin", "cos"})
_ALIGNMENT = 512
"""Of a tensor's memory on a device. Addresses are told as if a launch's tensors lay one behind the other from 0 on, so
that they are the same in every run."""
_HALF = frozenset({"fp16", "bf16", "fp8e4nv", "fp8e5", "int8", "uint8"})


class Recorder:
    """The trace of some calls, made with ``numpy``, the module. Off until it is asked to ``start``."""

    def __init__(self, numpy: Any):
        self._np = numpy
        self._most = 0
        self._on = self._watching = self._launching = False
        self._fault: Fault | None = None
        self._parts: list[Any] = []
        self._size = 0
        self._footprint = 0
        self._starts = self._moves = numpy.zeros(1, dtype=numpy.int64)
        self._grid = (1, 1, 1)
        self._watched: frozenset[int] = frozenset()
        self._most_programs = 0
        self._whole = True
        self._work = [0, 0, 0, 0, 0]
        self._joined = False

    def start(self, most_words: int, most_programs: int) -> None:
        """Write down what is launched from here on.

        Args:
            most_words: of the trace; a call that needs more fails.
            most_programs: of a launch that is run whole; of a larger one only the programs that are written down are.
        """
        self._most, self._most_programs = most_words, most_programs
        self._on, self._parts, self._size, self._fault = True, [], 0, None

    def stop(self) -> Any:
        """Return the trace, an array of 64-bit integers, and write nothing down any more.

        Raises Fault for what cannot be told of, whether or not the candidate has caught it before.
        """
        self._on = self._watching = False
        if self._fault is not None:
            raise self._fault
        return self._np.concatenate([self._np.zeros(0, dtype=self._np.int64), *self._parts])

    def begin(self, tensors: Sequence[Any]) -> None:
        """A launch is about to begin, with these tensors."""
        self._launching = True
        storages = {each.data_ptr(): each.nbytes() for each in (tensor.untyped_storage() for tensor in tensors)}
        self._footprint = sum(storages.values())
        places = self._np.cumsum([0, *(-(-size // _ALIGNMENT) * _ALIGNMENT for size in storages.values())])
        order = self._np.argsort(list(storages))
        self._starts = self._np.array(list(storages), dtype=self._np.int64)[order]
        self._moves = places[:-1][order] - self._starts

    def grid(self, dimensions: tuple[int, int, int]) -> None:
        """It has so many programs."""
        self._grid = dimensions
        if self._on:
            count = prod(dimensions)
            self._whole = count <= self._most_programs
            self._watched = frozenset((2 * i + 1) * count // (2 * WATCHED) for i in range(WATCHED))
            self._put((LAUNCH, count, self._footprint))

    def program(self, place: tuple[int, int, int]) -> bool:
        """The program at ``place`` is next; return whether it must run."""
        self.end()
        number = place[0] + self._grid[0] * (place[1] + self._grid[1] * place[2])
        self._watching, self._joined = self._on and number in self._watched, False
        if self._watching:
            self._put((PROGRAM, number, 0))
        return not self._on or self._whole or self._watching

    def end(self) -> None:
        """The program that ran has ended."""
        if self._watching:
            self._put((WORK, 0, 0), self._np.array(self._work, dtype=self._np.int64))
        self._work = [0, 0, 0, 0, 0]
        self._watching = False

    def over(self) -> None:
        """The launch is over."""
        self.end()
        self._launching = False

    def host(self, name: str, arguments: Sequence[Any], found: Any) -> None:
        """Torch did something for the host function. Raises Fault where it is more than memory or a view of it."""
        if not self._launching and not is_free(name, arguments, found):
            raise self._failed(host_words(name))

    def touch(self, code: int, pointers: Any, mask: Any) -> None:
        """The program accesses these addresses, where the mask says so."""
        if not self._watching:
            return
        np = self._np
        addresses = np.asarray(pointers.data).astype(np.int64)
        addresses = addresses + self._moves[np.searchsorted(self._starts, addresses, side="right") - 1]
        if mask is not None:
            addresses = np.where(np.asarray(mask.data, dtype=bool), addresses, -1)
        size = max(1, pointers.get_element_ty().primitive_bitwidth // 8)
        self._put((code, size, int(self._joined)), _in_order_of_threads(np, np.asarray(pointers.data), addresses))
        self._joined = True

    def reckon(self, unit: int, amount: int) -> None:
        """The program does so much more on a unit."""
        if self._watching:
            self._work[unit] += int(amount)
            self._joined = False

    def _put(self, head: tuple[int, int, int], body: Any = ()) -> None:
        self._size += HEAD + len(body)
        if self._size > self._most:
            raise self._failed(f"expected {WATCHED} programs of each launch to touch at most {self._most} elements")
        self._parts.append(self._np.array([*head, len(body)], dtype=self._np.int64))
        self._parts.append(self._np.asarray(body, dtype=self._np.int64))

    def _failed(self, detail: str) -> Fault:
        self._fault, self._watching = Fault(INVALID, detail), False
        return self._fault


def _in_order_of_threads(np: Any, pointers: Any, addresses: Any) -> Any:
    """Return the addresses flat: a compiler lays neighbours in memory to neighbouring threads."""
    steps = {}
    for axis, length in enumerate(pointers.shape):
        if length > 1:
            first, second = (int(pointers[tuple(at * (k == axis) for k in range(pointers.ndim))]) for at in (0, 1))
            if first != second:
                steps[axis] = abs(second - first)
    return (np.moveaxis(addresses, min(steps, key=steps.__getitem__), -1) if steps else addresses).reshape(-1)


def record(recorder: Recorder) -> None:
    """Have Triton's interpreter tell ``recorder`` of everything, whoever else it tells."""
    from triton.runtime import interpreter

    builder, executor = interpreter.interpreter_builder, interpreter.GridExecutor
    set_dimensions, set_place, launch = builder.set_grid_dim, builder.set_grid_idx, executor.__call__

    def dimensions(*sizes: int) -> None:
        recorder.grid(sizes)  # type: ignore[arg-type]
        set_dimensions(*sizes)

    running: list[tuple[Any, Callable[..., Any]]] = []

    def place(*index: int) -> None:
        set_place(*index)
        launched, program = running[-1]
        # What is called next.
        launched.fn = program if recorder.program(builder.grid_idx) else _nothing

    def called(self: Any, *arguments: Any, **options: Any) -> None:
        given = [getattr(each, "base", each) for each in (*arguments, *options.values())]
        recorder.begin([each for each in given if hasattr(each, "untyped_storage")])
        running.append((self, self.fn))
        try:
            launch(self, *arguments, **options)
        finally:
            self.fn = running.pop()[1]
            recorder.over()

    builder.set_grid_dim, builder.set_grid_idx, executor.__call__ = dimensions, place, called
    _record_memory(recorder, builder)
    _record_products(recorder, builder)
    _record_elements(recorder, builder, interpreter)


def _nothing(**_: Any) -> None:
    pass


def _record_memory(recorder: Recorder, builder: Any) -> None:
    def watched(code: int, name: str, pointers_at: int, mask_at: int | None) -> None:
        done = getattr(builder, name)

        def access(*arguments: Any) -> Any:
            recorder.touch(code, arguments[pointers_at], None if mask_at is None else arguments[mask_at])
            return done(*arguments)

        setattr(builder, name, access)

    watched(LOAD, "create_masked_load", 0, 1)
    watched(STORE, "create_masked_store", 0, 2)
    watched(ATOMIC, "create_atomic_rmw", 1, 3)
    watched(ATOMIC, "create_atomic_cas", 0, None)


def _record_products(recorder: Recorder, builder: Any) -> None:
    dot, histogram = builder.create_dot, builder.create_histogram

    def product(a: Any, b: Any, total: Any, precision: Any, *rest: Any) -> Any:
        multiplied = a.data.size * b.data.shape[-1]
        name, how = a.dtype.scalar.name, getattr(precision, "name", "")
        if name in _HALF:
            recorder.reckon(HALF, 2 * multiplied)
        elif how.startswith("TF32"):
            recorder.reckon(TF32, 2 * multiplied * (3 if how == "TF32x3" else 1))
        else:
            recorder.reckon(PLAIN, multiplied)
        recorder.reckon(SHARED, 2 * (a.data.nbytes + b.data.nbytes))
        return dot(a, b, total, precision, *rest)

    def counted(data: Any, bins: Any, mask: Any) -> Any:
        recorder.reckon(SHARED, 8 * data.data.size)
        return histogram(data, bins, mask)

    builder.create_dot, builder.create_histogram = product, counted


def _record_elements(recorder: Recorder, builder: Any, interpreter: Any) -> None:
    base = interpreter.ReduceScanOpInterface

    def counting(done: Callable[..., Any], special: bool | None) -> Callable[..., Any]:
        def operation(*arguments: Any) -> Any:
            found = done(*arguments)
            if arguments[0].dtype.scalar.is_floating():
                name = getattr(arguments[-1], "__name__", "")
                is_special = name in _SPECIAL if special is None else special
                recorder.reckon(SPECIAL if is_special else PLAIN, found.data.size)
                if name == "divide":
                    recorder.reckon(SPECIAL, found.data.size)
            return found

        return operation

    for name, special in (("binary_op", False), ("unary_op", None), ("create_fma", False), ("create_rsqrt", True)):
        setattr(builder, name, counting(getattr(builder, name), special))
    builder.create_erf = counting(builder.create_erf, True)
    apply = base.apply

    def folded(self: Any, input: Any) -> Any:  # noqa: A002 - the interpreter's own name
        for each in input if isinstance(input, tuple) else ():
            recorder.reckon(PLAIN, each.handle.data.size)
        return apply(self, input)

    base.apply = folded
