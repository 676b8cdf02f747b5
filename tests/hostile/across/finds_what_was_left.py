"""The next candidate: answers honestly, and 99 where it finds anything of those before it."""
import builtins
import gc
import os
import signal
import sys

MARK = "speciate-hostile-mark"
NAME = MARK.replace("-", "_")


def modules():
    return any(NAME in vars(module) for module in list(sys.modules.values())) or NAME in vars(builtins)


def settings():
    mask = os.umask(0o22)
    os.umask(mask)
    changed = NAME.upper() in os.environ or not gc.isenabled() or mask == 0 or sys.getrecursionlimit() != 1000
    return changed or signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def files():
    for folder, folders, names in os.walk("/"):
        if any(MARK in name for name in folders + names):
            return True
        folders[:] = [name for name in folders if folder.count("/") < 2 and name not in ("proc", "sys")]
    return False


def code():
    for folder in sys.path:
        for name in ("sitecustomize.py", "usercustomize.py", "random.py"):
            try:
                with open(f"{folder}/{name}", encoding="latin-1") as file:
                    if NAME in file.read():
                        return True
            except OSError:
                pass
    return False


def kernel():
    try:
        with open("/proc/sysvipc/shm") as file:
            return "1542199934" in file.read()
    except OSError:
        return False


if not hasattr(os, "looked_already"):
    os.looked_already = modules() or settings() or files() or code() or kernel()


def choose(view):
    if os.looked_already:
        return 99
    costs = [each.queue + 0.5 / each.speed for each in view.replicas]
    return costs.index(min(costs))
