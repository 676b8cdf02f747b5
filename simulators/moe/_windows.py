"""Windows one after the other: before each a planner places the experts, then the window's tokens come.

A layer waits for its fullest device, so a window takes the sum over layers of the highest device load; with perfect
balance it would take the sum of the means. Weights that a device fetches cost time too. The planner sees the loads of
past windows, never those of the window that its placement will serve.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ._bounds import least_peak
from ._cluster import Cluster, Floats, Ints, contiguous
from ._placement import device_loads, moved, require_placement

NEAR_COST = 0.125
"""Of fetching an expert within the node, relative to another node: NVLink has about eight times the network's rate."""

Planner = Callable[[Floats, Ints, float], Ints]
"""From past loads (windows, layers, experts), oldest first, the placement in force (layers, slots), and what moving
costs now, to the placement of the next window."""


@dataclass(frozen=True)
class Outcome:
    """What the windows cost; arrays of shape (windows, layers) unless said. Loads are in tokens."""

    mean: Floats
    peak: Floats
    """Load of the fullest device."""
    planned: Floats
    """The same under the loads of the window before, which the planner had seen."""
    least: Floats
    """What no placement passes."""
    fetched: Floats
    """Shape (windows,): share of all slots for which weights were fetched, near ones by ``NEAR_COST``. The first is
    not charged."""
    copied: Floats
    """Shape (windows,): share of the spare slots that hold an expert that another device holds too."""
    move_cost: float

    @property
    def balance(self) -> float:
        """Sum of the layers' mean loads over the sum of their highest: 1 is perfect."""
        return float(self.mean.sum() / self.peak.sum())

    @property
    def time(self) -> float:
        """Mean over windows of their time, relative to perfect balance, moves included."""
        return float((self.peak.sum(axis=1) / self.mean.sum(axis=1)).mean() + self.moving)

    @property
    def moving(self) -> float:
        """What of ``time`` is moves."""
        return float(self.move_cost * self.fetched[1:].sum() / len(self.fetched))

    @property
    def bound(self) -> float:
        """A time that no planner passes: the loads known beforehand, and moves for nothing."""
        return float((self.least.sum(axis=1) / self.mean.sum(axis=1)).mean())


def simulate(loads: Floats, cluster: Cluster, planner: Planner, *, history: int, move_cost: float) -> Outcome:
    """Serve every window after the first ``history`` ones with what ``planner`` answers.

    Args:
        loads: tokens for each expert, shape (windows, layers, experts).
        cluster: what the experts are placed on.
        planner: asked before each window. It begins with contiguous experts and may place them anew at no cost the
            first time, since weights have to be loaded then; it is told a cost of 0.
        history: windows that the planner is shown.
        move_cost: of fetching every slot's weights from other nodes, in windows of perfect balance.

    Raises:
        ValueError: loads that cannot be, named by window and layer; a history that leaves no window to serve.
        PlacementError: the planner's answer leaves an expert out, or is no placement.
    """
    require_loads(loads, history)
    if not 0.0 <= move_cost < np.inf:
        raise ValueError(f"expected move_cost >= 0, got {move_cost}")
    windows, layers, experts = loads.shape
    placement = np.tile(contiguous(experts, cluster), (layers, 1))
    rows: list[tuple[Floats, Floats, Floats]] = []
    fetched, copied = [], []
    for now in range(history, windows):
        before, price = placement, move_cost if rows else 0.0
        placement = np.array(planner(loads[now - history : now].copy(), before.copy(), price), dtype=np.int64)
        require_placement(placement, layers, experts, cluster)
        served, known = (device_loads(each, placement, cluster) for each in (loads[now], loads[now - 1]))
        rows.append((served.mean(axis=1), served.max(axis=1), known.max(axis=1)))
        far, near = moved(before, placement, experts, cluster)
        fetched.append((far + NEAR_COST * near) / placement.size)
        copied.append(_copied(placement, experts, cluster))
    mean, peak, planned = (np.array(each) for each in zip(*rows, strict=True))
    least = least_peak(loads[history:], cluster)
    return Outcome(mean, peak, planned, least, np.array(fetched), np.array(copied), move_cost)


def require_loads(loads: Floats, history: int) -> None:
    """Raise ValueError, naming window and layer, for loads that cannot be."""
    if loads.ndim != 3 or 0 in loads.shape:
        raise ValueError(f"expected loads of shape (windows, layers, experts), none of them 0, got {loads.shape}")
    if not 1 <= history < len(loads):
        raise ValueError(f"expected 1 <= history < windows, got {history=} of {len(loads)} windows")
    good = np.isfinite(loads).all(axis=2) & (loads >= 0.0).all(axis=2) & (loads.sum(axis=2) > 0.0)
    if not good.all():
        window, layer = np.argwhere(~good)[0]
        raise ValueError(f"window {window}, layer {layer}: expected finite loads >= 0 that are not all 0")


def _copied(placement: Ints, experts: int, cluster: Cluster) -> float:
    """Return the share of spare slots that are used to hold an expert on one more device."""
    spare = cluster.slots - experts
    if spare == 0:
        return 0.0
    device = np.arange(cluster.slots) // cluster.slots_per_device
    held = [len(np.unique(row * cluster.devices + device)) for row in placement]
    return float((np.mean(held) - experts) / spare)
