import os


def choose(view):
    os.closerange(0, 64)
    return 0
