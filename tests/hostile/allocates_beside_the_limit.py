import ctypes
import os


def attempts():
    yield lambda: os.memfd_create("held")
    yield lambda: ctypes.CDLL(None).shmget(0, 1 << 20, 0o1600)


def choose(view):
    for attempt in attempts():
        try:
            if attempt() != -1:
                return 99
        except OSError:
            continue
    return 0
