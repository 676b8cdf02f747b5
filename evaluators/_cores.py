"""Which core a judging process keeps to: one that no other of this machine has, be it another run's."""

import os
import socket

CORE_MARK = "speciate-core"
_held: list[socket.socket] = []
"""What this process keeps until it ends: a name that only one can have, and that ends with whoever has it."""


def claimed_core(slot: int, mark: str = CORE_MARK) -> int:
    """Return a core of this process's for it to keep to until it ends.

    It is free of other judging processes if there is such a core, looked for from the ``slot``-th on; else the
    ``slot``-th, counted around, is shared. Claims under another ``mark`` are not seen.
    """
    cores = sorted(os.sched_getaffinity(0))
    turned = [cores[(slot + step) % len(cores)] for step in range(len(cores))]
    return next((core for core in turned if _claim(f"{mark}-{core}")), turned[0])


def _claim(word: str) -> bool:
    # An abstract name: no file is left, whoever made it, and a child that runs a program does not inherit it.
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0{word}")
    except OSError:
        name.close()
        return False
    _held.append(name)
    return True
