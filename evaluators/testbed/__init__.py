"""The live serving testbed: servers that batch continuously over paged KV memory, driven in real time (rung 6).

    >>> with ServingTestbed(sizes) as bed:                               # doctest: +SKIP
    ...     bed.fit(calibration_trace, router, wall_s=60)
    ...     real = bed.serve(trace, router, wall_s=60).metrics()
    ...     simulated = simulate(bed.specs, trace, router).metrics()

``SchedulingTestbed`` is one replica whose iterations a scheduler composes.

Each replica is a process of its own that computes a small decoder in torch, on the CPU or on CUDA where there is one.
torch is loaded by those processes, and is the extra ``speciate[real]``.
"""

from ._bed import ServingTestbed
from ._scheduled import Scheduled
from ._scheduling_bed import SchedulingTestbed
from ._served import Served
from ._sizes import DecoderSize, Device, ReplicaSize
from ._steered_driver import Stream

__all__ = [
    "DecoderSize",
    "Device",
    "ReplicaSize",
    "Scheduled",
    "SchedulingTestbed",
    "Served",
    "ServingTestbed",
    "Stream",
]
