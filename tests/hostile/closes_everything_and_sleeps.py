import os
import time


def choose(view):
    os.closerange(0, 64)
    time.sleep(1000)
