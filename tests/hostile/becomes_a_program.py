import os
import sys


def choose(view):
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(1000)"])
