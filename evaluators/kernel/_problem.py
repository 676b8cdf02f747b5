"""What a kernel problem must say, beside what every problem says."""

import math
import zlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from speciate.simulators.gpu import Device

from .._contract import Candidate, Measurement, SourceFile, Split, Workload
from .._errors import CandidateFault, ProblemError, SandboxError
from .._problem import Baseline, Descriptor, Limits, Objective, Problem
from . import _on_gpu
from ._arena import Arrays
from ._bars import Bar, BarError, Form, release_bar
from ._best_bar import Core, best_bar, core_told, floor_of
from ._checks import verify
from ._estimated import AXES, OBJECTIVES, estimated, objective_on
from ._gpus import Gpu, usable
from ._interface import KernelInterface, Sizes, sizes_of
from ._languages import LANGUAGES, Language
from ._modelled import DEVICE, TRACE_BYTES, device_like, device_named
from ._race import ELSEWHERE_BYTES, slots_of
from ._session import Kernel
from ._timing import NOISY, Timing, calls_of, timed

_SEEDS: dict[Split, int] = {"train": 11, "validation": 12, "heldout": 13}
_WIDTHS = {0: "scalar", 128: "128 bits", 256: "256 bits", 512: "512 bits"}
OWN, LIBRARY = "own code", "library"
_EMULATED_SLOWER = 4.0
"""How much longer a call may take in an emulator: one of two million threads and 24 barriers takes 4 CPU seconds, and
one of 486 programs in Triton, each with seven steps of a product, 3 to 7."""
_TORCH_WALL_S = 240.0
"""In which torch and Triton load, on a busy machine too: two CPU seconds at most, but on one core."""
SEED = "seed"
"""The bar that is the problem's seed in C++."""


class KernelProblem(Problem[Kernel]):
    """A kernel to invent. Subclasses give ``interface``, ``sizes``, ``test_sizes``, ``bars`` and what is abstract here.

    The folder holds ``seed.cpp`` and ``seed.py`` (Numba), plain scalar code, ``seed_triton.py`` and ``seed.cu``;
    ``bars.py`` defines the functions that ``bars`` names: other known forms (NumPy, torch), called with the arguments
    of a Python kernel. ``experts/`` holds kernels of ours that no proposer is shown.
    """

    objective = Objective(name="time", unit="of the best known form's time")
    objectives: tuple[Objective, ...] = (
        Objective(name="error", unit="of the error allowed"),
        Objective(name="temp_bytes", unit="bytes"),
    )
    limits = Limits(
        wall_s=300.0,
        cpu_s=60.0,
        decision_wall_s=30.0,
        decision_cpu_s=5.0,
        start_wall_s=60.0,
        memory_bytes=2 << 30,
    )
    noisy = True
    device: Device | None = None
    """Whose time for a kernel is modelled; None for kernels that are timed on this machine's cores."""
    gpu: Gpu | None = None
    """The like of which kernels are timed on beside that; None where there is none here, or a model's is asked for."""
    interface: KernelInterface
    sizes: ClassVar[Mapping[Split, Mapping[str, Sizes]]]
    """What is timed, by split and by name of the size (``S``, ``M``, ``L``)."""
    test_sizes: ClassVar[Sequence[Sizes]]
    """What is checked: one, primes, no multiples of a vector, rows that lie apart."""
    bars: ClassVar[Sequence[str]]
    """Functions of ``bars.py``. The seed in C++ is a bar too."""

    def __init__(self, language: str = "cpp", device: str = ""):
        if language not in LANGUAGES:
            raise ProblemError(f"option language: expected one of {', '.join(LANGUAGES)}, got {language!r}")
        self.told = LANGUAGES[language]
        told = {"language": self.told.written, "entry": self.told.entry, "tool": self.told.tool}
        self.interface = self.interface.model_copy(update=told)
        if self.told.tool in ("nvcc", "triton"):
            self._on_device(device)
        elif device:
            raise ProblemError(f"option device: expected language cuda or triton beside it, got {language!r}")
        if self.told.tool == "triton":
            self.limits = self.limits.model_copy(update={"start_wall_s": _TORCH_WALL_S})
        if self.told.tool in ("nvcc", "triton"):
            names = ("decision_wall_s", "decision_cpu_s")
            longer = {name: getattr(self.limits, name) * _EMULATED_SLOWER for name in names}
            self.limits = self.limits.model_copy(update=longer)

    def _on_device(self, name: str) -> None:
        """Have kernels timed on this machine's GPU; modelled where there is none, or a device is named."""
        self.gpu = None if name else next(iter(usable()), None)
        self.device = device_like(self.gpu.name) if self.gpu else device_named(name or DEVICE)
        self.objectives = OBJECTIVES
        if self.gpu is None:
            self.objective, self.noisy = objective_on(self.device), False
        else:
            self.objective = Objective(name="time", unit=f"{self.objective.unit} on {self.gpu.name}")
            self.version = f"{self.version} on {self.gpu.name}"

    @property
    def is_modelled(self) -> bool:
        """Whether what kernels are ranked by is a model's time, which no clock has seen."""
        return self.device is not None and self.gpu is None

    @abstractmethod
    def inputs(self, sizes: Sizes, distribution: str, rng: np.random.Generator) -> Arrays:
        """Return the inputs by name, of the interface's shapes and dtypes; ``distribution`` as ``draw`` takes it."""

    @abstractmethod
    def reference(self, inputs: Arrays, sizes: Sizes, dtype: type[np.floating[Any]]) -> Arrays:
        """Return the outputs by name, reckoned in ``dtype``: float64 is the truth, float32 tells what may be lost."""

    @abstractmethod
    def hidden_sizes(self, rng: np.random.Generator) -> Sizes:
        """Draw sizes that no candidate can know: small ones, of any remainder."""

    def terms(self, sizes: Sizes) -> int:
        """Return how many terms the longest sum has."""
        return 1

    def moved_bytes(self, sizes: Sizes) -> int:
        """Return the bytes that any kernel must move: by default each buffer once."""
        return sum(buffer.byte_count(sizes) for buffer in self.interface.buffers)

    @property
    def descriptors(self) -> tuple[Descriptor, ...]:  # type: ignore[override]
        """Vector width (C++), share of the speed of a plain copy, length, whose code does the work; or a model's."""
        if self.device is not None:
            return AXES
        width = Descriptor.of("width", tuple(_WIDTHS.values()), "widest vector arithmetic in the binary")
        common = (
            Descriptor(name="copy_share", low=0.0, high=1.2, bins=6, about="time of copying its bytes over its own"),
            Descriptor(name="lines", low=0.0, high=120.0, bins=4, about="lines of code"),
            Descriptor.of("origin", (OWN, LIBRARY), "whether a library does the work"),
        )
        return (width, *common) if self.interface.language == "c++" else common

    @cached_property
    def arena_bytes(self) -> int:
        """Memory that a kernel shares with the judge: all calls of the largest timing, and what is modelled of one."""
        beside = TRACE_BYTES if self.device is not None else ELSEWHERE_BYTES
        return beside + max(
            slots_of(self.interface, sizes, calls_of(self, sizes))[-1].end
            for named in self.sizes.values()
            for sizes in named.values()
        )

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return one workload a size, smallest first as they are listed."""
        return [
            Workload(
                name=f"{split}/{name}/{'x'.join(str(sizes[each]) for each in self.interface.sizes)}",
                split=split,
                seed=_SEEDS[split],
                params=dict(sizes),
            )
            for name, sizes in self.sizes[split].items()
        ]

    def probe(self) -> None:
        """Return None: kernels that answer alike differ in speed, which is what counts."""

    def score(self, measurements: Sequence[Measurement]) -> float:
        """Return the geometric mean: half the time on one size and twice on another is no gain."""
        return math.exp(math.fsum(math.log(m.objective) for m in measurements) / len(measurements))

    def bound(self, workload: Workload) -> float | None:
        """Return the least time that any kernel can take on this machine: a quarter of a copy's, over the best bar's.

        None before the first judging here, which measures both; where it was judged in pages of both kinds, the lower.
        On a device that is modelled, 1: the time of its bytes.
        """
        if self.is_modelled:
            return 1.0
        grounds = [self.gpu.name] if self.gpu else [core_told(huge=huge) for huge in (True, False)]
        floors = (floor_of(self, sizes_of(workload), each) for each in grounds)
        return min((each for each in floors if each is not None), default=None)

    def experts(self) -> Sequence[Baseline]:
        """Return our own kernels in the problem's language, from its folder in ``experts``."""
        return self._designs("experts")

    def seed(self) -> Candidate:
        """Return the plain kernel that a search starts from. Raises ProblemError where the folder has none."""
        return self._seed_in(self.told)

    @property
    def least_error(self) -> float:
        """Share of an element's size that a float may always be off; 0 where float32 itself tells what may be lost."""
        return 0.0

    @property
    def bar_names(self) -> tuple[str, ...]:
        """All known forms: the seed in C++, and the functions of ``bars.py``."""
        return (SEED, *self.bars)

    def bar_texts(self) -> list[str]:
        """Return what the known forms are written as: a figure of other texts is not theirs."""
        seed = self.told.seed if self.gpu else LANGUAGES["cpp"].seed
        return [(self.folder / name).read_text(encoding="utf-8") for name in ("bars.py", seed)]

    def open_bar(self, name: str, kernel: Kernel) -> Form:
        """Start a known form on the kernel's core. Raises BarError where it does not run here."""
        code: dict[str, Any] = {"path": str(self.folder / "bars.py"), "function": name}
        if name == SEED:
            try:
                code = {"object": kernel.build(self.seed_in_cpp()).content}
            except (CandidateFault, OSError) as error:
                raise BarError(f"bar {name}: {error}") from error
        return Bar(name, self.interface, self.arena_bytes, code, kernel.cpu, own=kernel.arena.reached)

    def seed_in_cpp(self) -> Candidate:
        """Return the seed that is a bar, whatever language is searched in."""
        return self._seed_in(LANGUAGES["cpp"])

    def baselines(self) -> Sequence[Baseline]:
        """Return the human designs in the problem's language, from its folder in ``baselines``."""
        return self._designs("baselines")

    def _seed_in(self, told: Language) -> Candidate:
        file = self.folder / told.seed
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProblemError(f"{file}: expected the kernel that a search starts from: {error}") from error
        files = (SourceFile(path=told.entry, text=text),)
        return Candidate(files=files, language=told.written, proposer="human", operator="seed")

    def _designs(self, kind: str) -> Sequence[Baseline]:
        from .._baselines import load_baselines  # here, since it imports this module's own

        folder = self.folder / kind / self.told.designs
        return load_baselines(folder, self.told.entry, None, self.told.written) if folder.is_dir() else ()

    def measure(self, subject: Kernel, workload: Workload) -> Measurement:
        """Check the kernel, once a judging, and time it against the best bar for the workload's sizes."""
        if subject.error is None:
            subject.error = verify(self, subject)
        sizes = sizes_of(workload)
        if self.gpu is not None:
            return _on_gpu.measured(self, subject, workload)
        if self.device is not None:
            return estimated(self, subject, self.device, workload, sizes)
        drawn = np.random.SFC64([subject.seed, 2, zlib.crc32(workload.name.encode()), workload.repetition])
        with subject.watchdog.rest():
            best = best_bar(self, Core(self, subject), sizes)
        try:
            timing = timed(self, subject, best.runner, sizes, np.random.Generator(drawn))
        except BarError as error:
            release_bar(best.key)
            raise SandboxError(str(error)) from error
        if timing.noisy and NOISY not in subject.labels:
            subject.labels.append(NOISY)
        temp_bytes = subject.temp_bytes()
        return Measurement(
            workload=workload.name,
            objective=timing.ratio,
            metrics={**_metrics(timing, subject), "temp_bytes": float(temp_bytes)},
            descriptors=self._described(timing, subject),
            feedback=_told(timing, best.name),
            trace=(_profile(timing, self.moved_bytes(sizes), temp_bytes), *subject.notes.lines),
        )

    def _described(self, timing: Timing, subject: Kernel) -> dict[str, float]:
        origin = LIBRARY if LIBRARY in subject.labels else OWN
        words = {"width": _WIDTHS[subject.notes.vector_bits], "origin": origin}
        figures = {"copy_share": timing.copy_s / timing.kernel_s, "lines": float(subject.lines)}
        return {
            axis.name: axis.number(words[axis.name]) if axis.categories else figures[axis.name]
            for axis in self.descriptors
        }


def _metrics(timing: Timing, subject: Kernel) -> dict[str, float]:
    assert subject.error is not None
    return {
        "low": timing.low,
        "high": timing.high,
        "cpu_ratio": timing.cpu_ratio,
        "kernel_wall_s": timing.kernel_s,
        "bar_wall_s": timing.bar_s,
        "error": max(timing.error, subject.error),
        "attempts": float(timing.attempts),
        "build_cached": float(subject.build_cached),
        "build_cpu_s": subject.build_cost.cpu_s,
    }


def _profile(timing: Timing, moved_bytes: int, temp_bytes: int) -> str:
    """Return how far from the memory's own speed the kernel is, and what it allocates."""
    rate, most = (moved_bytes / seconds / 1e9 for seconds in (timing.kernel_s, timing.copy_s))
    return f"{rate:.3g} GB/s of inputs and outputs, where a copy has {most:.3g}; allocates {temp_bytes >> 10} KiB"


def _told(timing: Timing, bar: str) -> str:
    share = timing.copy_s / timing.kernel_s
    return (
        f"{timing.kernel_s * 1e3:.3g} ms a call, {timing.ratio:.3f} times that of {bar} ({timing.bar_s * 1e3:.3g} ms; "
        f"95 % interval {timing.low:.3f} to {timing.high:.3f}, CPU time {timing.cpu_ratio:.3f}); "
        f"{share:.0%} of the speed of copying as many bytes" + ("; the clocks disagree" if timing.noisy else "")
    )
