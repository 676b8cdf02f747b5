"""A kernel in CUDA or Triton where there is a GPU: checked there as on a core, and timed there against what is known.

What the model says of it is told beside what the device took, so that how the two rank kernels can be compared.
"""

import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._contract import Measurement, Workload
from .._errors import CandidateFault, SandboxError
from ._arena import Slot, laid
from ._bars import BarError, Form, release_bar
from ._best_bar import best_bar
from ._checks import cases, drawn_by, verify
from ._cuda import EMULATED
from ._estimated import described, estimate_of, needs_of
from ._gpu_runner import Code, GpuBar, GpuKernel, TorchCode
from ._gpu_timing import GpuTiming, timed_on_gpu
from ._gpus import Gpu, claimed, usable
from ._interface import Sizes, sizes_of
from ._modelled import DEVICE_S
from ._session import Lap
from ._triton_plan import TritonCode

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel


class GpuGround:
    """A GPU that is held, for bars: where a kernel like ``subject`` will run beside them. A ``Ground``."""

    def __init__(self, problem: "KernelProblem", subject: "Kernel", gpu: Gpu):
        self.told = gpu.name
        self.place = gpu.uuid, problem.interface.tool
        self._problem = problem
        self._subject = subject
        self._gpu = gpu

    def open(self, name: str) -> Form:
        """Start a known form there: the seed in the same language, or one in torch.

        Raises BarError where it does not run.
        """
        problem = self._problem
        try:
            code = self._seed() if name == problem.bar_names[0] else self._form(name)
        except (CandidateFault, OSError) as error:
            raise BarError(f"bar {name}: {error}") from error
        return GpuBar(name, self._gpu, code, problem.arena_bytes, problem.limits)

    def _seed(self) -> Code:
        return self._subject.code_of(self._problem.seed(), _timed_slots(self._problem))

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
        """Return the least seconds in which the device moves ``size`` bytes. Raises SandboxError."""
        nothing = TritonCode(self._problem.interface, {}, {})
        with closing(GpuKernel(self._gpu, nothing, 1, self._problem.limits, 0)) as idle:
            return idle.copy_s(size)


def measured(problem: "KernelProblem", subject: "Kernel", workload: Workload) -> Measurement:
    """Check a kernel on a free GPU and time it against the best bar there; labels the subject with the GPU's name.

    Raises CandidateFault as ``estimate_of``, ``verify`` and ``timed_on_gpu`` do, and for what cannot be launched there;
    SandboxError where no GPU can be had.
    """
    sizes = sizes_of(workload)
    assert problem.device is not None
    assert subject.candidate is not None
    estimate = estimate_of(problem, subject, problem.device, workload, sizes)
    with subject.watchdog.rest():
        if subject.code is None:
            slots = [*_timed_slots(problem), *_tested_slots(problem, subject.seed)]
            subject.code = subject.code_of(subject.candidate, slots)
        timing, error, bar, gpu = _timed(problem, subject, subject.code, workload)
    _labelled(subject, gpu)
    return Measurement(
        workload=workload.name,
        objective=timing.ratio,
        metrics={**estimate.metrics, **_metrics(timing, subject, error)},
        descriptors=described(estimate, subject),
        feedback=_told(timing, bar, gpu),
        trace=(estimate.words, *needs_of(problem, subject, sizes)),
    )


def _timed_slots(problem: "KernelProblem") -> list[Slot]:
    """Return a call at each size that counts."""
    return [laid(problem.interface, sizes) for named in problem.sizes.values() for sizes in named.values()]


def _tested_slots(problem: "KernelProblem", seed: int) -> list[Slot]:
    """Return a call of each case that ``verify`` makes."""
    return [laid(problem.interface, case.sizes, 0, case.shift) for case in cases(problem, drawn_by(seed))]


class _Timed(NamedTuple):
    """What came of a kernel on a GPU."""

    timing: GpuTiming
    error: float
    """Largest of the test cases there."""
    bar: str
    gpu: Gpu


def _timed(problem: "KernelProblem", subject: "Kernel", code: Code, workload: Workload) -> _Timed:
    """Check a kernel on the first GPU that is free, and time it there."""
    sizes = sizes_of(workload)
    with claimed(usable()) as gpu:
        # Before the kernel is there: memory that it takes of the device must not decide which bars run.
        best = best_bar(problem, GpuGround(problem, subject, gpu), sizes)
        kernel = GpuKernel(gpu, code, problem.arena_bytes, problem.limits, subject.seed)
        with closing(kernel):
            error = verify(problem, kernel)
            drawn = np.random.SFC64([subject.seed, 3, zlib.crc32(workload.name.encode()), workload.repetition])
            assert isinstance(best.runner, GpuBar)
            try:
                timing = timed_on_gpu(problem, kernel, best.runner, sizes, np.random.Generator(drawn))
            except BarError as failure:
                release_bar(best.key)
                raise SandboxError(str(failure)) from failure
    return _Timed(timing, error, best.name, gpu)


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
        **({} if timing.graph_s is None else {"graph_s": timing.graph_s}),
        **(timing.state._asdict() if timing.state else {}),
    }


def _told(timing: GpuTiming, bar: str, gpu: Gpu) -> str:
    share = timing.copy_s / timing.kernel_s
    return (
        f"{timing.kernel_s * 1e6:.3g} us a call on {gpu.name}, measured on cold inputs, {timing.ratio:.3f} times that "
        f"of {bar} ({timing.bar_s * 1e6:.3g} us; 95 % interval {timing.low:.3f} to {timing.high:.3f}); "
        f"{share:.0%} of the speed of copying as many bytes"
    )
