"""Tries to leave a process, a daemon or a thread that would answer, slow or watch whoever comes next."""
import _thread
import os


def forked():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                for descriptor in range(256):
                    try:
                        os.write(descriptor, b"\0" * 9)
                    except OSError:
                        pass
        os._exit(0)


def threaded():
    _thread.start_new_thread(os.read, (0, 1 << 20))


def spawned():
    os.posix_spawn("/bin/sh", ["sh", "-c", "while :; do :; done"], {})


def choose(view):
    for attempt in (forked, threaded, spawned):
        try:
            attempt()
        except (OSError, RuntimeError):
            continue
        return 99
    return 0
