import sys


def choose(view):
    while True:
        sys.stderr.write("x" * 1000)
