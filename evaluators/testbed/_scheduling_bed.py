"""A running testbed for schedulers: one replica and its host's memory, and the simulated server calibrated to them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from speciate.simulators.serving import HostMemory, ReplicaSpec, Scheduler, Server, simulate_schedule

from ._bed import Testbed
from ._scheduled import Scheduled
from ._sizes import ReplicaSize
from ._steered_driver import SteeredDriver, Stream

_PACE_BATCH = 32
"""Requests, or as many as may be, that decode in the iteration by which the paces of two engines are compared."""


class SchedulingTestbed(Testbed):
    """One replica whose iterations a scheduler composes.

    Args:
        size: the replica; caches can be copied to ``host_blocks`` of the host's memory, and really are.
    """

    steered = True

    def __init__(self, size: ReplicaSize):
        super().__init__([size])
        self.pace = 1.0
        """Seconds of the clock that a scheduler is shown, in a wall second. All of its times are by that clock."""
        self._block_s = 0.0

    @property
    def server(self) -> Server:
        """The simulated server, by the scheduler's clock."""
        (size,), (spec,) = self.sizes, self.specs
        host = HostMemory(size.host_blocks, self.pace * self._block_s)
        return Server(replace(spec, cost=spec.cost.scaled(1.0 / self.pace)), host)

    def fit(self, stream: Stream, scheduler: Scheduler, *, wall_s: float) -> None:
        """Calibrate the simulated server to a served stream.

        Args:
            stream: one that no design is measured on.
            scheduler: one of our own.
            wall_s: as in ``serve``.
        """

        def mean_tpot_s(specs: Sequence[ReplicaSpec]) -> float:
            server = replace(self.server, replica=specs[0])
            return simulate_schedule(server, stream.trace, stream.promises, scheduler).metrics()["mean_tpot_s"]

        assert self.pace == 1.0, "the model is fitted in wall seconds"
        self._fit_host(lambda: self.serve(stream, scheduler, wall_s=wall_s).metrics(), mean_tpot_s)

    def keep_pace_with(self, other: ReplicaSpec) -> None:
        """Let an iteration that decodes over half of the memory take as long by the clock shown as on ``other``."""
        self.pace = _half_full_s(other) / _half_full_s(self.specs[0])
        self.facts["pace"] = self.pace

    def serve(self, stream: Stream, scheduler: Scheduler, *, wall_s: float) -> Scheduled:
        """Serve ``stream`` really; see ``SteeredDriver``. ``wall_s`` is by the wall clock, all else is not."""
        return SteeredDriver(self.fleet, self.server, stream, scheduler, self.pace).run(wall_s)

    def _profiled(self, profiles: Sequence[Mapping[str, Any]]) -> None:
        """Take what a block costs to copy: a line through 0, by least squares of relative errors."""
        points = np.array(profiles[0]["copy"], dtype=np.float64).reshape(-1, 2)
        if len(points):
            blocks, seconds = points.T
            share = blocks / seconds
            self._block_s = float(share.sum() / (share**2).sum())
            error = np.mean(np.abs(self._block_s * share - 1.0))
            self.facts |= {"block_s": self._block_s, "copy error": float(error)}


def _half_full_s(spec: ReplicaSpec) -> float:
    batch = min(_PACE_BATCH, spec.max_batch)
    return spec.cost.decode_s(batch, 0.5 * spec.blocks * spec.block_size)
