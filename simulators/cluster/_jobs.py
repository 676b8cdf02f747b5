"""The input of a simulation: the cluster, and jobs in order of arrival."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cluster:
    """GPUs by type, and what it costs to place jobs anew."""

    gpus: tuple[int, ...]
    """Of each type, >= 1."""
    round_s: float
    """Seconds between two placements, > 0."""
    restart_s: float
    """Seconds that a job loses in a round in which it does not go on where it ran the round before, >= 0. It is less
    than a round, or nothing would ever be done."""

    def __post_init__(self) -> None:
        if not self.gpus or any(isinstance(count, bool) or int(count) != count or count < 1 for count in self.gpus):
            raise ValueError(f"gpus must be one or more whole numbers >= 1, got {self.gpus}")
        if not (isfinite(self.round_s) and self.round_s > 0):
            raise ValueError(f"round_s must be > 0, got {self.round_s}")
        if not 0 <= self.restart_s < self.round_s:
            raise ValueError(f"restart_s must be >= 0 and below round_s = {self.round_s}, got {self.restart_s}")


@dataclass(frozen=True)
class TrainingJobs:
    """Jobs in order of arrival; arrays have shape (n,) unless said."""

    arrival_s: Floats
    """Seconds, non-decreasing, >= 0."""
    work_s: Floats
    """Seconds that the job runs on the type of GPU that suits it best, > 0. The truth; no scheduler sees it."""
    predicted_s: Floats
    """The same as some predictor guessed it, > 0."""
    predictor: Ints
    """Which predictor that was, 0, 1, ..."""
    scale: Ints
    """GPUs that the job needs, all at once and all of one type, >= 1."""
    speed: Floats
    """Shape (n, types): progress a second on a type, relative to the job's best; 0 where it cannot run. The highest
    of a row is 1."""

    def __post_init__(self) -> None:
        arrival = np.asarray(self.arrival_s, dtype=np.float64)
        if arrival.ndim != 1 or not len(arrival):
            raise ValueError(f"arrival_s must have shape (n,) with n >= 1, got {arrival.shape}")
        object.__setattr__(self, "arrival_s", arrival)
        self._require("arrival_s", arrival, np.isfinite(arrival) & (arrival >= 0), "finite and >= 0")
        late = np.flatnonzero(np.diff(arrival) < 0)
        if len(late):
            raise ValueError(f"arrival_s must not decrease, but job {late[0] + 1} arrives before job {late[0]}")
        for name in ("work_s", "predicted_s"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            self._require(name, given, np.isfinite(given) & (given > 0), "finite and > 0")
            object.__setattr__(self, name, given)
        for name, least in (("predictor", 0), ("scale", 1)):
            whole = np.asarray(getattr(self, name), dtype=np.int64)
            self._require(name, whole, whole >= least, f">= {least}")
            object.__setattr__(self, name, whole)
        speed = np.asarray(self.speed, dtype=np.float64)
        if speed.ndim != 2 or speed.shape[0] != len(arrival) or not speed.shape[1]:
            raise ValueError(f"speed must have shape ({len(arrival)}, types), got {speed.shape}")
        fine = np.isfinite(speed).all(axis=1) & (speed >= 0).all(axis=1) & (speed.max(axis=1) == 1)
        if not fine.all():
            job = int(np.flatnonzero(~fine)[0])
            raise ValueError(f"speed must be >= 0 with 1 the highest of a row, but job {job} has {speed[job].tolist()}")
        object.__setattr__(self, "speed", speed)

    def __len__(self) -> int:
        return len(self.arrival_s)

    def runs_on(self, cluster: Cluster) -> npt.NDArray[np.bool_]:
        """Return which types each job can run on, shape (n, types).

        Raises ValueError where a job can run on none, or the types are other ones.
        """
        if self.speed.shape[1] != len(cluster.gpus):
            raise ValueError(f"speed is of {self.speed.shape[1]} types of GPU, the cluster has {len(cluster.gpus)}")
        fits: npt.NDArray[np.bool_] = (self.speed > 0) & (self.scale[:, None] <= np.array(cluster.gpus))
        lost = np.flatnonzero(~fits.any(axis=1))
        if len(lost):
            raise ValueError(
                f"job {lost[0]} needs {self.scale[lost[0]]} GPUs of a type it runs on at "
                f"{self.speed[lost[0]].tolist()}; the cluster has {cluster.gpus}"
            )
        return fits

    def _require(self, name: str, given: npt.NDArray[np.generic], fine: npt.NDArray[np.bool_], rule: str) -> None:
        if given.shape != np.shape(self.arrival_s):
            raise ValueError(f"{name} must have the shape of arrival_s {np.shape(self.arrival_s)}, got {given.shape}")
        if not np.all(fine):
            job = int(np.flatnonzero(~fine)[0])
            raise ValueError(f"{name} must be {rule}, but job {job} has {given[job]}")
