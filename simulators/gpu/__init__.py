"""A GPU's time for a kernel, from what a block takes and what a few of its programs were seen to do."""

from ._devices import DEVICES, WARP, Device
from ._occupancy import Occupancy, Resources, occupancy
from ._time import LAUNCH_S, Launch, LaunchError, Modelled, modelled, roofline_s
from ._traffic import (
    LINE_BYTES,
    SECTOR_BYTES,
    Access,
    Program,
    Traffic,
    Work,
    lines_fetched,
    sectors,
    traffic,
)

__all__ = [
    "DEVICES",
    "LAUNCH_S",
    "LINE_BYTES",
    "SECTOR_BYTES",
    "WARP",
    "Access",
    "Device",
    "Launch",
    "LaunchError",
    "Modelled",
    "Occupancy",
    "Program",
    "Resources",
    "Traffic",
    "Work",
    "lines_fetched",
    "modelled",
    "occupancy",
    "roofline_s",
    "sectors",
    "traffic",
]
