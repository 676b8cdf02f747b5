"""Which core a judging process keeps to: one that no other of this machine has, be it another run's."""

import os
import socket

from ._claims import claim

CORE_MARK = "speciate-core"
_held: list[socket.socket] = []
"""What this process keeps until it ends."""


def claimed_core(slot: int, mark: str = CORE_MARK) -> int:
    """Return a core of this process's for it to keep to until it ends.

    It is free of other judging processes if there is such a core, looked for from the ``slot``-th on; else the
    ``slot``-th, counted around, is shared. Claims under another ``mark`` are not seen.
    """
    cores = sorted(os.sched_getaffinity(0))
    turned = [cores[(slot + step) % len(cores)] for step in range(len(cores))]
    for core in turned:
        if (held := claim(f"{mark}-{core}")) is not None:
            _held.append(held)
            return core
    return turned[0]
