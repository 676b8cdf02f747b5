import subprocess
import sys


def choose(view):
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return 0
