"""The GPUs of this machine: which there are, what state they are in, and that one candidate has one at a time."""

import ctypes
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from typing import NamedTuple

from .. import _gpu_driver
from .._claims import claim
from .._errors import SandboxError

MANAGEMENT_LIBRARY = "libnvidia-ml.so.1"
VISIBLE = "CUDA_VISIBLE_DEVICES"
OLDEST = 80
"""Compute capability times ten of the oldest device that candidates are compiled for."""
PATIENCE_S = 600.0
"""How long others that have all GPUs are waited for; one judging takes some ten seconds."""
_LOOK_S = 0.02
_SM, _MEMORY = 1, 2
_CORE_SENSOR = 0
_BUS_BYTES = 32


class Gpu(NamedTuple):
    """One GPU that this process may use."""

    place: str
    """What CUDA_VISIBLE_DEVICES calls it."""
    name: str
    uuid: str
    bus: str
    """Its PCI address."""
    architecture: int
    """Compute capability times ten."""
    sms: int
    l2_bytes: int
    clock_hz: float
    """At most."""
    dram_bytes_per_s: float
    """Peak, by its memory's clock and width."""

    @property
    def words(self) -> str:
        """It in words."""
        figures = f"{self.sms} SMs, {self.l2_bytes >> 20} MiB L2, {self.dram_bytes_per_s / 1e9:.4g} GB/s"
        return f"{self.name} (sm_{self.architecture}, {figures})"


class State(NamedTuple):
    """What a GPU said of itself right after a timing."""

    sm_mhz: float
    memory_mhz: float
    temperature_c: float
    power_w: float
    power_limit_w: float


class Found(NamedTuple):
    """What was found when GPUs were looked for."""

    gpus: tuple[Gpu, ...] = ()
    trouble: str | None = None
    """Why a driver that is there shows none, in its words."""


@cache
def look() -> Found:
    """Return the GPUs that this process may use; none where there is no driver, or it does not start."""
    try:
        driver = _gpu_driver.Driver()
        seen = [driver.facts(ordinal) for ordinal in range(driver.count())]
    except (OSError, AttributeError, _gpu_driver.DriverError) as error:
        return Found(trouble=None if "No such file" in str(error) else f"{_gpu_driver.LIBRARY}: {error}")
    told = [each.strip() for each in os.environ.get(VISIBLE, "").split(",")]
    places = told if VISIBLE in os.environ else [str(ordinal) for ordinal in range(len(seen))]
    return Found(tuple(Gpu(place=place, **facts) for place, facts in zip(places, seen, strict=False)))


def usable() -> tuple[Gpu, ...]:
    """Return those of the first one's name that is new enough for what candidates are compiled for."""
    fitting = [gpu for gpu in look().gpus if gpu.architecture >= OLDEST]
    return tuple(gpu for gpu in fitting if gpu.name == fitting[0].name)


@contextmanager
def claimed(gpus: Sequence[Gpu], patience_s: float = PATIENCE_S) -> Iterator[Gpu]:
    """Hold one of ``gpus`` that no other judging process of this machine has.

    Raises SandboxError where all are had by others for so long.
    """
    deadline = time.monotonic() + patience_s
    with ExitStack() as held:
        while True:
            for gpu in gpus:
                taken = claim(f"speciate-gpu-{gpu.uuid}")
                if taken is not None:
                    held.enter_context(closing(taken))
                    yield gpu
                    return
            if time.monotonic() >= deadline:
                raise SandboxError(f"expected one of {len(gpus)} GPUs to be free within {patience_s:g} s, none was")
            time.sleep(_LOOK_S)


def state(gpu: Gpu) -> State | None:
    """Return clocks, temperature and power; None where the management library is missing or does not tell."""
    try:
        library = ctypes.CDLL(MANAGEMENT_LIBRARY)
        if library.nvmlInit_v2() != 0:
            return None
    except (OSError, AttributeError):
        return None
    try:
        return _read(library, gpu)
    finally:
        library.nvmlShutdown()


def _read(library: ctypes.CDLL, gpu: Gpu) -> State | None:
    handle = ctypes.c_void_p()
    bus = ctypes.create_string_buffer(gpu.bus.encode(), _BUS_BYTES)
    if library.nvmlDeviceGetHandleByPciBusId_v2(bus, ctypes.byref(handle)) != 0:
        return None
    asked: tuple[tuple[str, tuple[int, ...], float], ...] = (
        ("nvmlDeviceGetClockInfo", (_SM,), 1.0),
        ("nvmlDeviceGetClockInfo", (_MEMORY,), 1.0),
        ("nvmlDeviceGetTemperature", (_CORE_SENSOR,), 1.0),
        ("nvmlDeviceGetPowerUsage", (), 1e-3),
        ("nvmlDeviceGetEnforcedPowerLimit", (), 1e-3),
    )
    figures = []
    for function, arguments, unit in asked:
        figure = ctypes.c_uint()
        if getattr(library, function)(handle, *map(ctypes.c_int, arguments), ctypes.byref(figure)) != 0:
            return None
        figures.append(figure.value * unit)
    return State(*figures)
