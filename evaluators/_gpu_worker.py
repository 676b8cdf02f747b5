"""What drives a GPU: trusted code in a process of its own, which is sent this as text, as other workers are.

No code of a candidate runs here. Its device code is handed to the driver, and its launches come as numbers: of a CUDA
candidate the judge has reckoned them, of one in Triton a sandbox has told them. The memory that the judge shares is
mirrored on the device: before a call the judge's bytes go up, guards and poison with them, and after it all of them
come back, so that the judge looks at one memory wherever a kernel runs.

A call is timed by marks on the device: what its caches were asked to keep is taken back, memory larger than them is
written, and behind that come a mark, the call, and a mark; then all streams are waited for, by this process's clock
too. The launches are made while the device still writes, so that a call's time holds no waiting for them: a form in
torch, which takes longer to launch than the device to write, is written for as often as that takes. On an H200 one
flush lasts 60 us; behind one alone torch's ``softmax`` took 39 to 115 us of which 11 are its own.
"""

from __future__ import annotations

import ctypes
import math
import os
import struct
import time
from mmap import mmap

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ._gpu_driver import FATAL, Driver, DriverError
    from ._worker import ANSWER, CONTROL, CRASHED, INVALID, OK, PROTOCOL, Fault, _control, _packed

FLUSH_SHARE = 4
"""Bytes that are written before a call, over those of the cache: attributes tell less than some devices have."""
GUARD_BYTES = 256
"""Around each scratch buffer."""
TYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "int64": "<i8", "uint8": "|u1", "uint16": "<u2"}
REFUSING = ("cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute", "cuLaunchKernel")
"""What fails for what a candidate asked for."""
FLUSHES_MOST = 64
COVERED = 2.0
"""Flushes last so many times as long as a form's launches took the last time."""
COPIES = 9
GRAPHS = 20
VALUE_BYTES = 8
"""Of a parameter: the driver reads as many as the kernel says, and must not read on."""


class Mirror:
    """The shared memory on the device, and a clock for calls.

    Args:
        driver: its device is open.
        memory: the shared memory, mapped here.
        l2_bytes: of the device's cache.
    """

    def __init__(self, driver: Driver, memory: mmap, l2_bytes: int):
        self.driver = driver
        self.address = driver.allocated(len(memory))
        self._memory = ctypes.c_char.from_buffer(memory)  # holds the mapping
        self._base = _address(self._memory)
        self._flush_bytes = FLUSH_SHARE * l2_bytes
        self._flush = driver.allocated(self._flush_bytes)
        self._marks = [driver.event() for _ in range(3)]
        self.flush_s = math.inf
        """What a flush took the last time."""

    def up(self, start: int, end: int) -> None:
        """Bring the judge's bytes to the device."""
        self.driver.upload(self.address + start, self._base + start, end - start)

    def down(self, start: int, end: int) -> None:
        """Bring the device's bytes to the judge."""
        self.driver.download(self._base + start, self.address + start, end - start)

    def timed(self, call: Callable[[], Any], flushes: int = 1) -> tuple[float, float, float]:
        """Make a call behind flushes of the cache; return its seconds, those with the flushes, and the host's."""
        driver, (first, begin, end) = self.driver, self._marks
        driver.synchronize()
        driver.forget_kept_lines()
        began = time.perf_counter()
        driver.mark(first)
        for _ in range(flushes):
            driver.fill(self._flush, 0, self._flush_bytes)
        driver.mark(begin)
        call()
        driver.mark(end)
        driver.synchronize()
        host_s = time.perf_counter() - began
        self.flush_s = driver.between_s(first, begin) / flushes
        return driver.between_s(begin, end), driver.between_s(first, end), host_s

    def graph_s(self, call: Callable[[], Any]) -> float:
        """Return the seconds of a call among many, made as one graph each; no number where the driver makes none."""
        driver, (first, _, end) = self.driver, self._marks
        if not driver.makes_graphs:
            return math.nan
        try:
            graph = driver.graph(call)
            driver.replay(graph)
            driver.mark(first)
            for _ in range(GRAPHS):
                driver.replay(graph)
            driver.mark(end)
            driver.synchronize()
            return driver.between_s(first, end) / GRAPHS
        except DriverError:
            return math.nan

    def copy_s(self, size: int) -> float:
        """Return the least seconds in which the device moves ``size`` bytes: half of them read, written elsewhere."""
        half = max(1, size // 2)
        source, target = self.driver.allocated(half), self.driver.allocated(half)
        taken = [self.timed(lambda: self.driver.copy(target, source, half))[0] for _ in range(COPIES)]
        self.driver.free(source)
        self.driver.free(target)
        return min(taken)


class Scratch:
    """A kernel's own memory for one call, with guards on both sides."""

    def __init__(self, driver: Driver, name: str, size: int):
        self.name = name
        self._driver = driver
        self._size = size
        self._words = ctypes.create_string_buffer(os.urandom(GUARD_BYTES), GUARD_BYTES)
        self._memory = driver.allocated(size + 2 * GUARD_BYTES)
        self.address = self._memory + GUARD_BYTES

    def prepare(self) -> None:
        """Lay the guards, and leave behind what nobody can foresee."""
        self._driver.fill(self.address, os.urandom(1)[0], self._size)
        for place in (self._memory, self.address + self._size):
            self._driver.upload(place, _address(self._words), GUARD_BYTES)

    def check(self) -> None:
        """Raise Fault where a guard was written over."""
        found = ctypes.create_string_buffer(GUARD_BYTES)
        for place in (self._memory, self.address + self._size):
            self._driver.download(_address(found), place, GUARD_BYTES)
            if found.raw != self._words.raw:
                raise Fault(CRASHED, f"wrote outside of scratch {self.name}")

    def free(self) -> None:
        """Give the memory back."""
        self._driver.free(self._memory)


class Launched:
    """Device code of a candidate, launched as the judge has said."""

    def __init__(self, mirror: Mirror, message: Mapping[str, Any]):
        self._mirror = mirror
        self._driver = mirror.driver
        self._modules = {name: self._driver.module(image) for name, image in message["images"].items()}
        self._scratch: dict[tuple[str, int], Scratch] = {}

    def call(self, told: Mapping[str, Any]) -> Call:
        """Return a call: its launches with their parameters, made ready."""
        wanted = {(name, size) for name, size in told["scratch"].items()}
        for key in set(self._scratch) - wanted:
            self._scratch.pop(key).free()
        for key in wanted - set(self._scratch):
            self._scratch[key] = Scratch(self._driver, *key)
        named = {each.name: each.address for each in self._scratch.values()}
        most: dict[tuple[str, str], int] = {}
        for launch in told["launches"]:
            pair = launch["image"], launch["kernel"]
            most[pair] = max(launch["shared"], most.get(pair, 0))
        functions = {
            (image, kernel): self._driver.function(self._modules[image], kernel, shared)
            for (image, kernel), shared in most.items()
        }
        steps = [self._step(each, functions[each["image"], each["kernel"]], named) for each in told["launches"]]

        def launch_all() -> None:
            for step in steps:
                step()

        return Call(self._mirror, told["span"], launch_all, list(self._scratch.values()))

    def _step(self, told: Mapping[str, Any], function: ctypes.c_void_p, scratch: Mapping[str, int]) -> Step:
        values = [self._value(kind, value, scratch) for kind, value in told["arguments"]]
        taken = self._driver.parameters(function, len(values))
        if len(taken) != len(values) or max(taken, default=0) > VALUE_BYTES:
            words = f"expected {len(values)} parameters of up to {VALUE_BYTES} bytes, it has some of {taken} bytes"
            raise Fault(INVALID, f"kernel {told['kernel']}: {words}")
        return Step(self._driver, function, told, values)

    def _value(self, kind: str, value: Any, scratch: Mapping[str, int]) -> Any:
        if kind == "number":
            return ctypes.c_int64(value)
        if kind == "scalar":
            return ctypes.c_double(value)
        if kind == "scratch":
            name, offset = value
            return ctypes.c_void_p(scratch[name] + offset)
        return ctypes.c_void_p(self._mirror.address + value)


class Step:
    """One launch, made ready."""

    def __init__(self, driver: Driver, function: ctypes.c_void_p, told: Mapping[str, Any], values: list[Any]):
        self._driver = driver
        self._function = function
        self._shape = (told["grid"], told["block"], told["shared"])
        self._values = values  # as long as their addresses are used
        self._parameters = (ctypes.c_void_p * len(values))(*map(_address, values))

    def __call__(self) -> None:
        """Launch. Raises DriverError where that is refused."""
        self._driver.launch(self._function, *self._shape, self._parameters)


class Cover:
    """How often the cache is flushed so that a form's launches are made meanwhile."""

    def __init__(self, mirror: Mirror):
        self._mirror = mirror
        self._launch_s = 0.0

    def launched(self, form: Callable[[], Any]) -> None:
        """Have a form ask for its launches, and see how long that takes."""
        began = time.perf_counter()
        form()
        self._launch_s = time.perf_counter() - began

    def flushes(self) -> int:
        """Return how many the next call needs, going by the last."""
        flush_s = max(self._mirror.flush_s, 1e-6)
        return min(FLUSHES_MOST, 1 + int(COVERED * self._launch_s / flush_s))


class TorchForm:
    """A known form in torch, called with tensors over the device's memory. A form of another library fails here."""

    def __init__(self, mirror: Mirror, message: Mapping[str, Any]):
        import importlib.util

        import torch

        # Forms turn the arrays that they are handed into tensors; here they are handed tensors.
        torch.from_numpy = lambda given: given
        torch.set_default_device("cuda")
        spec = importlib.util.spec_from_file_location("bars", message["path"])
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        self._function = getattr(module, message["function"])
        self._before = getattr(module, f"before_{message['function']}", None)
        self._dtypes = message["dtypes"]
        self._scalars = tuple(message["scalars"])
        self._mirror = mirror
        self._cover = Cover(mirror)
        self._tensor = torch.as_tensor

    def call(self, told: Mapping[str, Any]) -> Call:
        """Return a call of the form with tensors, sizes and scalars."""
        tensors = [
            self._tensor(Array(self._mirror.address + start, TYPES[dtype], tuple(shape)), device="cuda")
            for dtype, start, shape in zip(self._dtypes, told["starts"], told["shapes"], strict=True)
        ]
        given = (*tensors, *told["sizes"], *self._scalars)
        before = self._before
        made = Call(self._mirror, told["span"], lambda: self._cover.launched(lambda: self._function(*given)), [])
        made.flushes = self._cover.flushes
        made.before = (lambda: before(*given)) if before else None
        return made


class Array:
    """Memory of the device under the interface by which torch takes it without a copy."""

    def __init__(self, address: int, dtype: str, shape: tuple[int, ...]):
        self.__cuda_array_interface__ = {"data": (address, False), "typestr": dtype, "shape": shape, "version": 3}


class Call:
    """One call made ready: what is copied up and down around it, and what it does."""

    def __init__(self, mirror: Mirror, span: tuple[int, int], body: Callable[[], Any], scratch: list[Scratch]):
        self.before: Callable[[], Any] | None = None
        self.flushes: Callable[[], int] = lambda: 1
        self._mirror = mirror
        self._span = span
        self._body = body
        self._scratch = scratch

    def graph_s(self) -> float:
        """Make it as a graph, on what its memory holds now, and return what ``Mirror.graph_s`` does."""
        return self._mirror.graph_s(self._body)

    def made(self) -> tuple[float, float, float]:
        """Make it, and return what ``Mirror.timed`` does. Raises Fault for memory that is not its own."""
        self._mirror.up(*self._span)
        for each in self._scratch:
            each.prepare()
        if self.before is not None:
            self.before()
        taken = self._mirror.timed(self._body, self.flushes())
        self._mirror.down(*self._span)
        for each in self._scratch:
            each.check()
        return taken


def _address(value: Any) -> int:
    return ctypes.addressof(value)


def _said(*figures: float) -> bytes:
    """Return an answer: a status, the length of what follows, and doubles."""
    payload = struct.pack(f"={len(figures)}d", *figures)
    return ANSWER.pack(OK, float(len(payload))) + payload


def _mirror(message: dict[str, Any]) -> Mirror:
    driver = Driver()
    driver.open(0)
    return Mirror(driver, mmap(message["arena"], message["arena_bytes"]), driver.facts(0)["l2_bytes"])


def _fault(error: BaseException) -> Fault:
    """Return the kernel's fault where it ran into something or is refused; PROTOCOL for what is not of its doing."""
    if isinstance(error, Fault):
        return error
    if not isinstance(error, DriverError):
        return Fault(PROTOCOL, f"{type(error).__name__}: {error}")
    status = CRASHED if error.code in FATAL else INVALID if error.function in REFUSING else PROTOCOL
    return Fault(status, str(error))


def serve_calls(ask: int, answer: int, message: dict[str, Any]) -> None:
    """Load device code or a form, say so, and make calls until the judge hangs up or something fails."""
    if "driver" in message:
        exec(compile(message["driver"], "driver", "exec", dont_inherit=True), globals())
    try:
        mirror = _mirror(message)
        code = Launched(mirror, message) if "images" in message else TorchForm(mirror, message)
        os.write(answer, _said())
        calls: list[Call] = []
        while data := os.read(ask, 65536):
            if data[0] != CONTROL:
                totals = [sum(each) for each in zip(*[call.made() for call in calls], strict=True)]
                os.write(answer, _said(*totals))
                continue
            told = _control(ask, data)
            if "copy" in told:
                os.write(answer, _said(mirror.copy_s(told["copy"])))
            elif "graph" in told:
                os.write(answer, _said(calls[0].graph_s()))
            else:
                calls = [code.call(each) for each in told["calls"]]
                os.write(answer, _said())
    except BaseException as error:  # noqa: BLE001 - the process boundary: whatever failed is told to the judge
        os.write(answer, _packed(_fault(error)))
