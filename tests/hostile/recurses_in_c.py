import sys

sys.setrecursionlimit(1 << 30)


def choose(view):
    nested = []
    for _ in range(200_000):
        nested = [nested]
    return len(repr(nested))
