import atexit
import time

atexit.register(time.sleep, 1000)


def choose(view):
    return 0
