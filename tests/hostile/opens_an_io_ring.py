import ctypes

SETUP = 425


def choose(view):
    made = ctypes.CDLL(None).syscall(SETUP, 8, ctypes.create_string_buffer(120))
    return 0 if made == -1 else 99
