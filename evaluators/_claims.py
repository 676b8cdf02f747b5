"""Names that one process of this machine can have at a time: they end with whoever has them, and leave no file."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LOOK_S = 0.002


def claim(word: str) -> socket.socket | None:
    """Return what holds the name ``word`` until it is closed or its process ends; None while another one has it.

    A child that runs a program does not inherit it. Names are seen by all users, but not from another network
    namespace: containers on one machine do not see one another's.
    """
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0{word}")
    except OSError:
        held.close()
        return None
    return held


@contextmanager
def claimed(word: str, patience_s: float) -> Iterator[bool]:
    """Hold the name ``word`` meanwhile, and say whether it could be had: others may hold it for longer than that."""
    deadline = time.monotonic() + patience_s
    while (held := claim(word)) is None and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    try:
        yield held is not None
    finally:
        if held is not None:
            held.close()
