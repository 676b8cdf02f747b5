import sys

sys.setrecursionlimit(1 << 30)


def choose(view):
    return choose(view) + 1
