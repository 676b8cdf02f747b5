import os
import resource
import time


def attempts():
    yield lambda: os.setuid(0)
    yield lambda: os.setgroups([0])
    yield lambda: os.setresgid(0, 0, 0)
    yield lambda: os.nice(-5)
    yield lambda: os.chroot("/")
    yield lambda: os.sched_setaffinity(0, {0, 1})
    yield lambda: time.clock_settime(time.CLOCK_REALTIME, 0)
    yield lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
    yield lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    yield lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))


def choose(view):
    for attempt in attempts():
        try:
            attempt()
        except (OSError, ValueError):
            continue
        return 99
    return 0
