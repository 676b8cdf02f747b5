import os

LINE = b"x" * 4096


def choose(view):
    for _ in range(1000):
        os.write(2, LINE)
    return 0
