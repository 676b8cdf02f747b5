"""A worker that has loaded what candidates take seconds to import, and forks a sealed worker for each of them.

Sent to a worker as code, which it runs in its own namespace instead of confining itself; so the names that it takes
from the worker are imported only on the judge's side. It is told nothing of any candidate: through its socket come a
word and the descriptors of a worker, which the child makes its own and then does what a fresh worker does. There is
one child at a time. It cannot reach this process, which is process 1 of its process table and not dumpable; nor the
socket, which it does not have; and nothing in its root can be written, so that nothing of it stays for the next.
"""

from __future__ import annotations

import os
import socket
from importlib import import_module
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING or __package__:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ._worker import _SET_DUMPABLE, ANSWER, OK, kernel, main

HELLO = b"hello"
"""What a child says first, so that the kernel tells the judge its pid."""
ENDED = Struct("=i")
"""How it ended: its exit code, or minus its signal."""
MOST_PASSED = 4
"""Descriptors of a worker: its pipes, and memory that it shares with the judge."""
_MOST_FILES = 4096


def attend(ask: int, answer: int, settings: Mapping[str, Any]) -> None:
    """Load the modules, say so, and fork workers until the judge hangs up. Raises ImportError, OSError."""
    import gc

    link = socket.socket(fileno=settings["link"])
    # Modules stay: to look for garbage among them takes a fifth of their loading, and a copy of them in every child.
    gc.disable()
    for name in settings["loaded"]:
        import_module(name)
    gc.freeze()
    gc.enable()
    kernel()("prctl", _SET_DUMPABLE, 0, 0, 0, 0)
    os.write(answer, ANSWER.pack(OK, 0.0))
    while True:
        _, descriptors, _, _ = socket.recv_fds(link, 1, MOST_PASSED)
        if not descriptors:
            return
        child = os.fork()
        if child == 0:
            _become_worker(link, descriptors, main)
        for descriptor in descriptors:
            os.close(descriptor)
        link.send(ENDED.pack(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def _become_worker(link: socket.socket, descriptors: list[int], serve: Callable[[], None]) -> None:
    try:
        link.send(HELLO)
        # Their numbers rise, so that none is overwritten before its turn.
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.closerange(len(descriptors), _MOST_FILES)
        serve()
    finally:
        os._exit(1)
