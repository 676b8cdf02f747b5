"""Changes everything in its process that a worker reused for the next candidate would still have."""
import builtins
import gc
import os
import signal
import sys

builtins.speciate_hostile_mark = 1
sys.speciate_hostile_mark = 1
os.environ["SPECIATE_HOSTILE_MARK"] = "1"
os.umask(0)
sys.path.insert(0, "/tmp")
sys.setrecursionlimit(50_000)
sys.setswitchinterval(5.0)
sys.float_repr_style = "mark"
builtins.min = builtins.max
builtins.sorted = lambda *given, **named: [777.0]
builtins.abs = builtins.round = lambda *given: 777.0
gc.disable()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
try:
    os.chdir("/tmp")
except OSError:
    pass
for module in list(sys.modules.values()):
    try:
        module.speciate_hostile_mark = 1
    except Exception:
        pass


def choose(view):
    return 0
