"""The candidate's side of the kernel kind. Sent as text to a worker, which runs it in its own namespace.

So the names that it takes from the worker are imported only on the judge's side, where trusted bars run the same
loop without a sandbox. A control message says where the buffers of the next calls lie; any other byte says: now.
Nothing here knows what is right, how long it took, or how often it will be asked.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._worker import ANSWER, CONTROL, CRASHED, FILENAME, INVALID, OK, OOM, Fault, Program, _control, _packed

OBJECT = "kernel.so"
FAULT_BYTES = 512
HUGE_BYTES = 2 << 20


class Compiled:
    """A shared object's function, called with pointers into the arena."""

    def __init__(self, message: dict[str, Any], memory: Any):
        import ctypes

        path = f"{message['folder']}/{OBJECT}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        view = memoryview(message["object"])
        while view:
            view = view[os.write(descriptor, view) :]
        os.close(descriptor)
        try:
            library = ctypes.CDLL(path)
            function = getattr(library, message["function"])
        except (OSError, AttributeError) as error:
            raise Fault(INVALID, f"the built kernel does not load: {error}") from None
        function.restype = None
        function.argtypes = [ctypes.c_void_p] * len(message["buffers"])
        function.argtypes += [ctypes.c_int64] * message["sizes"] + [ctypes.c_double] * len(message["scalars"])
        self.function: Callable[..., Any] = function
        if message["emulated"]:
            told = (ctypes.c_char * FAULT_BYTES).in_dll(library, "speciate_fault")
            self.function = lambda *arguments: _ended_well(function(*arguments), told)
            library.speciate_record.argtypes = [ctypes.c_void_p, ctypes.c_int64]
            library.speciate_record.restype = None
        self._library = library
        self._scalars = tuple(message["scalars"])
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self._pointer, self._size, self._scalar = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double

    def make_ready(self, told: dict[str, Any], calls: Sequence[tuple[Any, ...]]) -> None:
        """Have the emulator write down calls from here on, in so many words of the arena's beginning; 0 for none."""
        words = told["record"]
        self._library.speciate_record(self._base if words else None, words)

    def arguments(self, call: tuple[Sequence[int], Sequence[int]]) -> tuple[Any, ...]:
        """Return what the function is called with; converted now, so that it takes no time then."""
        starts, sizes = call
        pointers = [self._pointer(self._base + start) for start in starts]
        return (*pointers, *map(self._size, sizes), *map(self._scalar, self._scalars))


def _ended_well(_: Any, told: Any) -> None:
    """Raise Fault where an emulated call was given up: the emulator leaves its reason behind."""
    if told.value:
        raise Fault(CRASHED, told.value.decode(errors="replace"))


class Interpreted:
    """A Python function, called with arrays over the arena."""

    def __init__(self, message: dict[str, Any], memory: Any, function: Callable[..., Any]):
        import numpy as np

        self.function = function
        self.before: Callable[..., Any] = function
        """What a trusted form does with its inputs first, untimed; asked for only where it has such a step."""
        self._memory = memory
        self._buffers = message["buffers"]
        self._names = message["names"]
        self._scalars = tuple(message["scalars"])
        self._array = np.frombuffer

    def make_ready(self, told: dict[str, Any], calls: Sequence[tuple[Any, ...]]) -> None:
        """Do what a trusted form does with its inputs first."""
        for arguments in calls:
            self.before(*arguments)

    def arguments(self, call: tuple[Sequence[int], Sequence[int]]) -> tuple[Any, ...]:
        """Return what the function is called with."""
        starts, sizes = call
        named = dict(zip(self._names, sizes, strict=True))
        arrays = []
        for (dtype, shape), start in zip(self._buffers, starts, strict=True):
            dimensions = [named.get(each, each) for each in shape]
            count = 1
            for dimension in dimensions:
                count *= dimension
            arrays.append(self._array(self._memory, dtype, count, start).reshape(dimensions))
        return (*arrays, *sizes, *self._scalars)


def loaded(message: dict[str, Any], memory: Any) -> Compiled | Interpreted:
    """Return the kernel of a message: a shared object, a candidate's source, or a trusted file's function.

    Raises Fault, and whatever the code raises.
    """
    if "object" in message:
        return Compiled(message, memory)
    if "path" in message:
        from importlib.util import module_from_spec, spec_from_file_location

        spec = spec_from_file_location("bars", message["path"])
        module = module_from_spec(spec)  # type: ignore[arg-type]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        form = Interpreted(message, memory, getattr(module, message["function"]))
        form.before = getattr(module, f"before_{message['function']}", form.function)
        return form
    if "launcher" in message:
        # Trusted text, as this module is.
        scope = dict(globals())
        for text in message["launcher"]:
            exec(compile(text, "launcher", "exec", dont_inherit=True), scope)
        found: Interpreted = scope["launched"](message, memory)
        return found
    if "adaptor" in message:
        exec(compile(message["adaptor"], "adaptor", "exec", dont_inherit=True), globals())
        foreign: Interpreted = globals()["Foreign"](message, memory)
        return foreign
    return Interpreted(message, memory, defined(message))


def defined(message: dict[str, Any]) -> Callable[..., Any]:
    """Run the candidate's module and return its function. Raises Fault where there is none."""
    message["program"].begin(0)
    function: Callable[..., Any] | None = getattr(sys.modules["candidate"], message["function"], None)
    if not callable(function):
        raise Fault(INVALID, f"expected a function {message['function']} at the top level of {FILENAME}")
    return function


def memory_of(message: dict[str, Any]) -> Any:
    """Return the memory that buffers lie in: what is shared, or this process's own, which the judge is told of there.

    Its own is of huge pages where the kernel grants them; ``kernel/_arena.py`` says why.
    """
    import contextlib
    import ctypes
    import mmap

    size = message["arena_bytes"]
    if not message.get("own"):
        return mmap.mmap(message["arena"], size)
    memory = mmap.mmap(-1, size + HUGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # Where the kernel knows no huge pages.
        memory.madvise(mmap.MADV_HUGEPAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    skipped = -base % HUGE_BYTES
    with mmap.mmap(message["arena"], mmap.PAGESIZE) as letter:
        letter[:8] = (base + skipped).to_bytes(8, "little")
    return memoryview(memory)[skipped : skipped + size]


def serve_calls(ask: int, answer: int, message: dict[str, Any]) -> None:
    """Load the kernel, say so, and make calls until the judge hangs up or a fault ends it."""
    program = None
    try:
        memory = memory_of(message)
        if "source" in message:
            program = message["program"] = Program(message["source"], (), {})
        kernel = loaded(message, memory)
        function, read, write, ok = kernel.function, os.read, os.write, ANSWER.pack(OK, 0.0)
        calls: list[tuple[Any, ...]] = []
        touched = message.get("touch", 0)
        write(answer, ok)
        while data := read(ask, 65536):
            if data[0] == CONTROL:
                told = _control(ask, data)
                if "calls" in told:
                    calls = [kernel.arguments(call) for call in told["calls"]]
                else:
                    kernel.make_ready(told, calls)
            else:
                for arguments in calls:
                    function(*arguments)
                if touched:  # What is freed here is what later calls allocate: none of them has a page to wait for.
                    filled = b"\1" * touched
                    del filled
                    touched = 0
            write(answer, ok)
    except MemoryError:
        os.write(answer, _packed(Fault(OOM, "out of memory: an allocation would have passed the limit")))
    except BaseException as error:
        fault = error if isinstance(error, Fault) else program.failure(error) if program else None
        if "path" in message:
            fault = Fault(CRASHED, f"{type(error).__name__}: {error}")
        if fault is None:
            raise OSError(f"the kernel's worker did not start: {error}") from error
        os.write(answer, _packed(fault))
