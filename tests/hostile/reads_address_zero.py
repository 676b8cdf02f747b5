import ctypes


def choose(view):
    return len(ctypes.string_at(0))
