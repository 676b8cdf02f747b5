import ctypes


def choose(view):
    ctypes.memset(id(view), 0x41, 1 << 16)
    return len(view)
