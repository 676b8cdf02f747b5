import os


def choose(view):
    os.fork()
    return 0
