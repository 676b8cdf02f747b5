"""Training jobs: families that differ in the types of GPU they run well on, heavy tails, gangs, bursts and drift."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from speciate.simulators.cluster import TrainingJobs

FAMILIES: tuple[tuple[float, float, float], ...] = (
    (0.15, 0.65, 1.0),
    (0.15, 1.0, 0.9),
    (0.30, 0.70, 1.0),
    (0.25, 0.85, 1.0),
    (0.65, 1.0, 0.50),
    (0.50, 0.80, 1.0),
    (0.10, 0.55, 1.0),
)
"""Speed of each family on a slow, a middle and a fast type of GPU, relative to its best. Rounded from what was measured
for kinds of models (Narayanan et al. 2020, on K80, P100 and V100): not all gain alike, some lose on the fast one."""
JITTER = 0.15
"""Standard deviation of the logarithm of a job's own speeds: batch sizes."""
GANGS: tuple[tuple[int, float], ...] = ((1, 0.62), (2, 0.16), (4, 0.14), (8, 0.08))
"""GPUs that a job needs, and how often."""
CLOCK_ORIGIN_S = (1e4, 1e6)
"""Between which the clock of a workload starts, so that no scheduler learns how long a run has lasted."""
BURST_JOBS = 12
"""Mean number of jobs in a stretch of high or low rate."""


@dataclass(frozen=True)
class Predictors:
    """Log-normal guesses of the work; which predictor has which error is drawn by seed."""

    sigmas: tuple[float, ...] = (0.25, 0.9, 2.0)
    """Standard deviations of the logarithms of the errors."""


@dataclass(frozen=True)
class JobModel:
    """A stream of jobs; log-normal work, cut at the longest."""

    jobs: int
    load: float
    """GPU time that arrives, by what the cluster gives if every job runs at its mean speed over all GPUs."""
    gpus: tuple[int, int, int]
    burst: float = 1.0
    """Rate of the high stretches relative to the mean, 1 to below 2; the low ones make up for it."""
    drift: float = 0.0
    """How far the families' popularity swings over the workload: 0 not at all, 1 from none to twice the mean."""
    median_s: float = 2_400.0
    sigma: float = 1.4
    longest_s: float = 36_000.0
    predictors: Predictors = field(default_factory=Predictors)

    def __post_init__(self) -> None:
        if not 1.0 <= self.burst < 2.0:
            raise ValueError(f"expected 1 <= burst < 2, or low stretches would have no arrivals; got {self.burst}")
        if not 0.0 <= self.drift <= 1.0:
            raise ValueError(f"expected 0 <= drift <= 1, got {self.drift}")


def generate(model: JobModel, seed: int) -> TrainingJobs:
    """Return the jobs of ``seed``. Arrivals, sizes, kinds and guesses each have a generator of their own."""
    arrivals, sizes, kinds, guesses = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(4)
    )
    work = np.clip(model.median_s * np.exp(model.sigma * sizes.standard_normal(model.jobs)), 60.0, model.longest_s)
    speed = _speeds(model, kinds)
    counts, shares = zip(*GANGS, strict=True)
    scale = np.minimum(kinds.choice(counts, size=model.jobs, p=shares), max(model.gpus))
    start = kinds.uniform(*CLOCK_ORIGIN_S)
    gaps = _gaps(model, arrivals) * (offered_gpu_s(work, scale, speed, model.gpus) / model.load / sum(model.gpus))
    predicted, predictor = guess(work, model.predictors, guesses)
    return TrainingJobs(start + np.cumsum(gaps), work, predicted, predictor, scale, speed)


def offered_gpu_s(
    work_s: npt.NDArray[np.float64],
    scale: npt.NDArray[np.int64],
    speed: npt.NDArray[np.float64],
    gpus: tuple[int, ...],
) -> float:
    """Return the mean GPU seconds of a job that runs at its mean speed over all GPUs of the cluster."""
    mean_speed = speed @ np.array(gpus, dtype=np.float64) / sum(gpus)
    return float(np.mean(work_s * scale / mean_speed))


def guess(
    work_s: npt.NDArray[np.float64], predictors: Predictors, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return what is predicted of each job's work, and by which predictor; each array has shape (n,)."""
    predictor = rng.integers(len(predictors.sigmas), size=len(work_s))
    sigma = rng.permutation(np.array(predictors.sigmas))[predictor]
    return work_s * np.exp(sigma * rng.standard_normal(len(work_s))), predictor


def _gaps(model: JobModel, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return times between arrivals, mean 1: exponential, faster and slower by turns."""
    gaps = rng.exponential(1.0, model.jobs)
    if model.burst == 1.0:
        return gaps
    turns = np.cumsum(rng.random(model.jobs) < 1.0 / BURST_JOBS) + rng.integers(2)
    # Halves of the jobs at rates r and r / (2 r - 1) have a mean gap of 1.
    return gaps / np.where(turns % 2 == 0, model.burst, model.burst / (2.0 * model.burst - 1.0))


def _speeds(model: JobModel, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return each job's speeds, shape (n, 3), its family drawn by a popularity that swings."""
    families = np.array(FAMILIES)
    phase = rng.uniform(0.0, 2.0 * np.pi, len(families))
    through = 2.0 * np.pi * np.arange(model.jobs) / model.jobs
    popularity = 1.0 + model.drift * np.cos(through[:, None] + phase)
    edges = np.cumsum(popularity, axis=1)
    family = (rng.random(model.jobs)[:, None] * edges[:, -1:] >= edges).sum(axis=1)
    speed = families[family] * np.exp(JITTER * rng.standard_normal((model.jobs, families.shape[1])))
    relative: npt.NDArray[np.float64] = speed / speed.max(axis=1, keepdims=True)
    return relative
