import os
import signal


def choose(view):
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
