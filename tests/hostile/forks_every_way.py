import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def choose(view):
    for attempt in (os.fork, os.forkpty, libc.fork, libc.vfork):
        for _ in range(50):
            try:
                if attempt() != -1:
                    return 99
            except OSError:
                continue
    return 0
