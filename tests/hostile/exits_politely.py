import sys


def choose(view):
    sys.exit(0)
