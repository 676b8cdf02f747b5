"""A CUDA kernel where there is a GPU: checked there as on a core, and timed there against what is known.

What the model says of it is told beside what the device took, so that how the two rank kernels can be compared.
"""

import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING

import numpy as np

from .._contract import Measurement, Workload
from .._errors import CandidateFault, SandboxError
from ._bars import BarError, Form, release_bar
from ._best_bar import best_bar
from ._checks import verify
from ._cuda import EMULATED
from ._emulated import estimated
from ._estimated import described
from ._gpu_runner import Code, DeviceCode, GpuBar, GpuKernel, TorchCode
from ._gpu_timing import GpuTiming, timed_on_gpu
from ._gpus import Gpu, claimed, usable
from ._interface import Sizes, sizes_of
from ._launches import launches_of
from ._modelled import DEVICE_S
from ._session import Lap

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel


class GpuGround:
    """A GPU that is held: where bars are run beside the kernel that holds it. A ``Ground``."""

    def __init__(self, problem: "KernelProblem", subject: "Kernel", kernel: GpuKernel):
        self.told = kernel.gpu.name
        self.place = kernel.gpu.uuid
        self._problem = problem
        self._subject = subject
        self._kernel = kernel

    def open(self, name: str) -> Form:
        """Start a known form there: the seed in CUDA, or one in torch. Raises BarError where it does not run."""
        problem = self._problem
        try:
            code = self._seed() if name == problem.bar_names[0] else self._form(name)
        except (CandidateFault, OSError) as error:
            raise BarError(f"bar {name}: {error}") from error
        return GpuBar(name, self._kernel.gpu, code, problem.arena_bytes, problem.limits)

    def _seed(self) -> Code:
        seed = self._problem.seed()
        return DeviceCode(self._subject.image_of(seed).content, launches_of(seed.source, self._problem.interface))

    def _form(self, name: str) -> Code:
        return TorchCode(str(self._problem.folder / "bars.py"), name, self._problem.interface)

    def calls(self, sizes: Sizes) -> int:
        """Return one: a device's marks need no more."""
        return 1

    def seconds(self, lap: Lap) -> float:
        """Return the time between the device's marks."""
        return lap.device_s

    def held(self) -> AbstractContextManager[object]:
        """Hold nothing further: the GPU is held."""
        return nullcontext()

    def quiet(self) -> AbstractContextManager[object]:
        """Hold nothing further."""
        return nullcontext()

    def copy_s(self, size: int) -> float:
        """Return the least seconds in which the device moves ``size`` bytes."""
        return self._kernel.copy_s(size)


def measured(problem: "KernelProblem", subject: "Kernel", workload: Workload) -> Measurement:
    """Check a kernel on a free GPU and time it against the best bar there; labels the subject with the GPU's name.

    Raises CandidateFault as ``estimated``, ``verify`` and ``timed_on_gpu`` do; SandboxError where no GPU can be had.
    """
    sizes = sizes_of(workload)
    assert subject.cuda is not None
    assert problem.device is not None
    estimate = estimated(problem, subject, problem.device, sizes, np.random.default_rng(workload.seed))
    code = DeviceCode(subject.cuda.image.content, subject.cuda.launches)
    with subject.watchdog.rest(), claimed(usable()) as gpu:
        kernel = GpuKernel(gpu, code, problem.arena_bytes, problem.limits, subject.seed)
        with closing(kernel):
            error = verify(problem, kernel)
            best = best_bar(problem, GpuGround(problem, subject, kernel), sizes)
            drawn = np.random.SFC64([subject.seed, 3, zlib.crc32(workload.name.encode()), workload.repetition])
            assert isinstance(best.runner, GpuBar)
            try:
                timing = timed_on_gpu(problem, kernel, best.runner, sizes, np.random.Generator(drawn))
            except BarError as failure:
                release_bar(best.key)
                raise SandboxError(str(failure)) from failure
    _labelled(subject, gpu)
    return Measurement(
        workload=workload.name,
        objective=timing.ratio,
        metrics={**estimate.metrics, **_metrics(timing, subject, error)},
        descriptors=described(estimate, subject),
        feedback=_told(timing, best.name, gpu),
        trace=(estimate.words, *(each.words for each in subject.cuda.image.resources)),
    )


def _labelled(subject: "Kernel", gpu: Gpu) -> None:
    if EMULATED in subject.labels:
        subject.labels.remove(EMULATED)
    if gpu.name not in subject.labels:
        subject.labels.append(gpu.name)


def _metrics(timing: GpuTiming, subject: "Kernel", error: float) -> Mapping[str, float]:
    assert subject.error is not None
    return {
        DEVICE_S: timing.kernel_s,
        "bar_device_s": timing.bar_s,
        "copy_device_s": timing.copy_s,
        "host_s": timing.host_s,
        "low": timing.low,
        "high": timing.high,
        "error": max(timing.error, error, subject.error),
        "build_cached": float(subject.build_cached),
        "build_cpu_s": subject.build_cost.cpu_s,
        **(timing.state._asdict() if timing.state else {}),
    }


def _told(timing: GpuTiming, bar: str, gpu: Gpu) -> str:
    share = timing.copy_s / timing.kernel_s
    return (
        f"{timing.kernel_s * 1e6:.3g} us a call on {gpu.name}, measured on cold inputs, {timing.ratio:.3f} times that "
        f"of {bar} ({timing.bar_s * 1e6:.3g} us; 95 % interval {timing.low:.3f} to {timing.high:.3f}); "
        f"{share:.0%} of the speed of copying as many bytes"
    )
