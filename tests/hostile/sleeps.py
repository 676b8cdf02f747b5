import time


def choose(view):
    time.sleep(1e6)
    return 0
