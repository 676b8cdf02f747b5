import os


def choose(view):
    os.abort()
