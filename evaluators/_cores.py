"""Which core a judging process keeps to: one that no other of this machine has, be it another run's."""

import os
import socket
from itertools import product

from ._claims import claim

CORE_MARK = "speciate-core"
_MOST = 64
"""Processes of a core that are told from one another."""
_held: list[socket.socket] = []
"""What this process keeps until it ends."""


def claimed_core(slot: int, mark: str = CORE_MARK) -> int:
    """Return a core of this process's for it to keep to until it ends.

    It is one that as few other judging processes as can be have, looked for from the ``slot``-th on, counted around.
    Claims under another ``mark`` are not seen.
    """
    cores = sorted(os.sched_getaffinity(0))
    turned = [cores[(slot + step) % len(cores)] for step in range(len(cores))]
    for beside, core in product(range(_MOST), turned):
        if (held := claim(f"{mark}-{core}-{beside}")) is not None:
            _held.append(held)
            return core
    return turned[0]
