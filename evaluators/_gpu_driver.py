"""The CUDA driver, as far as kernels are loaded, launched and timed with it, by ctypes, with errors in words.

Sent as text to the process that drives a GPU, and imported by the judge to see which GPUs there are. Nothing is loaded
before somebody asks. Names, numbers and types are those of ``cuda.h``; the tests build a stand-in against that header,
and an H200 has run this.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_uint, c_ulonglong, c_void_p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

LIBRARY = "libcuda.so.1"
NOT_SUPPORTED = 801
FATAL = frozenset({700, 702, 710, *range(714, 720)})
"""Errors of a kernel that ran: an address, an instruction, an assertion. Nothing works in that process any more."""
_SMS, _CLOCK_KHZ, _MEMORY_KHZ, _BUS_BITS, _L2_BYTES, _MAJOR, _MINOR = 16, 13, 36, 37, 38, 75, 76
_DYNAMIC_SHARED, _PREFER_SHARED = 8, 1
_SHARED_ANYWAY = 48 << 10
"""Bytes of shared memory above which Triton asks for less of the first-level cache."""
_NAME_BYTES, _BUS_BYTES, _UUID_BYTES = 128, 16, 16
_DEFAULT_STREAM = None
_OF_THIS_THREAD = 1


class DriverError(Exception):
    """A function of the driver failed."""

    def __init__(self, function: str, code: int, told: str):
        super().__init__(f"{function}: {told} ({code})")
        self.function = function
        self.code = code


class Driver:
    """The driver of this machine's GPUs, started. Raises OSError where there is none, DriverError where it fails."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self._context = c_void_p()
        self._stream: c_void_p | None = _DEFAULT_STREAM
        self.call("cuInit", c_uint(0))

    def call(self, function: str, *arguments: Any) -> None:
        """Call a C function. Raises DriverError with the driver's words for what went wrong."""
        code = self.code(function, *arguments)
        if code != 0:
            raise DriverError(function, code, self._words(code))

    def code(self, function: str, *arguments: Any) -> int:
        """Call a C function and return what it returned."""
        return int(getattr(self._library, function)(*arguments))

    def _words(self, code: int) -> str:
        name, text = c_char_p(), c_char_p()
        self.code("cuGetErrorName", c_int(code), byref(name))
        self.code("cuGetErrorString", c_int(code), byref(text))
        known = [each.value.decode(errors="replace") for each in (name, text) if each.value]
        return ", ".join(known) or "an error without a name"

    def count(self) -> int:
        """Return how many devices this process may use; CUDA_VISIBLE_DEVICES has been heeded."""
        found = c_int()
        self.call("cuDeviceGetCount", byref(found))
        return found.value

    def facts(self, ordinal: int) -> dict[str, Any]:
        """Return what a device is: name, uuid, bus, architecture, sms, l2_bytes, clock_hz, dram_bytes_per_s."""
        device = self._device(ordinal)
        name, bus = ctypes.create_string_buffer(_NAME_BYTES), ctypes.create_string_buffer(_BUS_BYTES)
        uuid = (ctypes.c_ubyte * _UUID_BYTES)()
        self.call("cuDeviceGetName", name, c_int(_NAME_BYTES), device)
        self.call("cuDeviceGetPCIBusId", bus, c_int(_BUS_BYTES), device)
        self.call("cuDeviceGetUuid_v2", uuid, device)
        numbers = (_SMS, _CLOCK_KHZ, _MEMORY_KHZ, _BUS_BITS, _L2_BYTES, _MAJOR, _MINOR)
        sms, clock_khz, memory_khz, bus_bits, l2_bytes, major, minor = (self._attribute(n, device) for n in numbers)
        return {
            "name": name.value.decode(errors="replace"),
            "uuid": bytes(uuid).hex(),
            "bus": bus.value.decode(errors="replace"),
            "architecture": 10 * major + minor,
            "sms": sms,
            "l2_bytes": l2_bytes,
            "clock_hz": clock_khz * 1e3,
            "dram_bytes_per_s": 2.0 * memory_khz * 1e3 * bus_bits / 8,  # two transfers a clock
        }

    def _device(self, ordinal: int) -> c_int:
        device = c_int()
        self.call("cuDeviceGet", byref(device), c_int(ordinal))
        return device

    def _attribute(self, number: int, device: c_int) -> int:
        found = c_int()
        self.call("cuDeviceGetAttribute", byref(found), c_int(number), device)
        return found.value

    def open(self, ordinal: int) -> None:
        """Make a device this thread's own, in its primary context: torch uses the same one."""
        self.call("cuDevicePrimaryCtxRetain", byref(self._context), self._device(ordinal))
        self.call("cuCtxSetCurrent", self._context)

    def allocated(self, size: int) -> int:
        """Return the address of ``size`` bytes of the device's memory."""
        address = c_void_p()
        self.call("cuMemAlloc_v2", byref(address), c_size_t(size))
        return int(address.value or 0)

    def free(self, address: int) -> None:
        """Give memory back."""
        self.call("cuMemFree_v2", c_void_p(address))

    def upload(self, address: int, source: int, size: int) -> None:
        """Copy ``size`` bytes of this process, from address ``source`` on, to the device."""
        self.call("cuMemcpyHtoD_v2", c_void_p(address), c_void_p(source), c_size_t(size))

    def download(self, target: int, address: int, size: int) -> None:
        """Copy ``size`` bytes of the device to address ``target`` of this process."""
        self.call("cuMemcpyDtoH_v2", c_void_p(target), c_void_p(address), c_size_t(size))

    def copy(self, target: int, source: int, size: int) -> None:
        """Copy within the device's memory, behind what was asked before; does not wait."""
        self.call("cuMemcpyDtoDAsync_v2", c_void_p(target), c_void_p(source), c_size_t(size), _DEFAULT_STREAM)

    def fill(self, address: int, byte: int, size: int) -> None:
        """Write one byte all over, behind what was asked before; does not wait."""
        self.call("cuMemsetD8Async", c_void_p(address), ctypes.c_ubyte(byte), c_size_t(size), _DEFAULT_STREAM)

    def synchronize(self) -> None:
        """Wait for all that was asked of the device, in whatever stream."""
        self.call("cuCtxSynchronize")

    def forget_kept_lines(self) -> None:
        """Take back what the second-level cache was asked to keep; a device that cannot keep any has nothing to."""
        code = self.code("cuCtxResetPersistingL2Cache")
        if code not in (0, NOT_SUPPORTED):
            raise DriverError("cuCtxResetPersistingL2Cache", code, self._words(code))

    def module(self, image: bytes) -> c_void_p:
        """Load device code: a fat binary, of which the driver takes what suits the device."""
        module = c_void_p()
        self.call("cuModuleLoadData", byref(module), c_char_p(image))
        return module

    def function(self, module: c_void_p, name: str, shared: int) -> c_void_p:
        """Return a module's kernel, allowed to be launched with up to ``shared`` bytes of dynamic shared memory."""
        function = c_void_p()
        self.call("cuModuleGetFunction", byref(function), module, c_char_p(name.encode()))
        self.call("cuFuncSetAttribute", function, c_int(_DYNAMIC_SHARED), c_int(shared))
        if shared > _SHARED_ANYWAY:
            self.call("cuFuncSetCacheConfig", function, c_int(_PREFER_SHARED))
        return function

    def parameters(self, function: c_void_p, expected: int) -> list[int]:
        """Return the bytes of each of a kernel's parameters, of one more than ``expected`` at most.

        Raises DriverError where the driver is older than the question: it would read as much as the kernel says.
        """
        if not hasattr(self._library, "cuFuncGetParamInfo"):
            told = "expected a driver for CUDA 12.4 or newer, which tells a kernel's parameters: update it"
            raise DriverError("cuFuncGetParamInfo", 0, told)
        found: list[int] = []
        for index in range(expected + 1):
            offset, size = c_size_t(), c_size_t()
            if self.code("cuFuncGetParamInfo", function, c_size_t(index), byref(offset), byref(size)) != 0:
                break
            found.append(size.value)
        return found

    def launch(
        self, function: c_void_p, grid: Sequence[int], block: Sequence[int], shared: int, parameters: Any
    ) -> None:
        """Launch a kernel behind what was asked before; does not wait. ``parameters`` is an array of addresses."""
        shape = [c_uint(each) for each in (*grid, *block, shared)]
        self.call("cuLaunchKernel", function, *shape, self._stream, parameters, None)

    @property
    def makes_graphs(self) -> bool:
        """Whether the driver is new enough to."""
        return hasattr(self._library, "cuGraphInstantiateWithFlags")

    def graph(self, launches: Callable[[], object]) -> c_void_p:
        """Return what is launched meanwhile, as a graph; for a driver that makes some."""
        stream, graph, made = c_void_p(), c_void_p(), c_void_p()
        self.call("cuStreamCreate", byref(stream), c_uint(0))
        self.call("cuStreamBeginCapture_v2", stream, c_int(_OF_THIS_THREAD))
        self._stream = stream
        try:
            launches()
        finally:
            self._stream = _DEFAULT_STREAM
            self.call("cuStreamEndCapture", stream, byref(graph))
        self.call("cuGraphInstantiateWithFlags", byref(made), graph, c_ulonglong(0))
        return made

    def replay(self, graph: c_void_p) -> None:
        """Make a graph's launches, behind what was asked before; does not wait."""
        self.call("cuGraphLaunch", graph, _DEFAULT_STREAM)

    def event(self) -> c_void_p:
        """Return a mark that can be put between what is asked of the device."""
        event = c_void_p()
        self.call("cuEventCreate", byref(event), c_uint(0))
        return event

    def mark(self, event: c_void_p) -> None:
        """Put a mark behind what was asked before."""
        self.call("cuEventRecord", event, _DEFAULT_STREAM)

    def between_s(self, first: c_void_p, second: c_void_p) -> float:
        """Return the device's seconds from one mark to another; both are behind it."""
        found_ms = c_float()
        self.call("cuEventElapsedTime", byref(found_ms), first, second)
        return found_ms.value / 1e3
