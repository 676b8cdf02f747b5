"""The input of a simulation: jobs in order of arrival."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Jobs:
    """Jobs in order of arrival. All arrays have shape (n,)."""

    arrival_s: Floats
    """Seconds, non-decreasing, >= 0."""
    size: Floats
    """Work, > 0: the seconds it takes on a machine of speed 1. The truth; no scheduler sees it."""
    predicted: Floats
    """Work, > 0, as some predictor guessed it."""
    predictor: Ints
    """Which predictor that was, 0, 1, ..."""
    weight: Floats
    """What a second of waiting of the job costs, > 0."""

    def __post_init__(self) -> None:
        arrival = np.asarray(self.arrival_s, dtype=np.float64)
        if arrival.ndim != 1 or not len(arrival):
            raise ValueError(f"arrival_s must have shape (n,) with n >= 1, got {arrival.shape}")
        if not np.all(np.isfinite(arrival)) or arrival[0] < 0:
            raise ValueError("arrival_s must be finite and >= 0")
        late = np.flatnonzero(np.diff(arrival) < 0)
        if len(late):
            raise ValueError(f"arrival_s must not decrease, but job {late[0] + 1} arrives before job {late[0]}")
        for name in ("size", "predicted", "weight"):
            given = np.asarray(getattr(self, name), dtype=np.float64)
            self._require(name, given, np.isfinite(given) & (given > 0), "finite and > 0")
            object.__setattr__(self, name, given)
        predictor = np.asarray(self.predictor, dtype=np.int64)
        self._require("predictor", predictor, predictor >= 0, ">= 0")
        object.__setattr__(self, "predictor", predictor)
        object.__setattr__(self, "arrival_s", arrival)

    def __len__(self) -> int:
        return len(self.arrival_s)

    def _require(self, name: str, given: npt.NDArray[np.generic], fine: npt.NDArray[np.bool_], rule: str) -> None:
        if given.shape != np.shape(self.arrival_s):
            raise ValueError(f"{name} must have the shape of arrival_s {np.shape(self.arrival_s)}, got {given.shape}")
        if not np.all(fine):
            job = int(np.flatnonzero(~fine)[0])
            raise ValueError(f"{name} must be {rule}, but job {job} has {given[job]}")
