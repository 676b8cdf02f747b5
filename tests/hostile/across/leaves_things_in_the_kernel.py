"""Tries what outlives a process without being a file: shared memory, queues, semaphores, keys, timers."""
import _ctypes
import os

library = _ctypes.dlopen("libc.so.6", os.RTLD_NOW)


def call(name, *arguments):
    return _ctypes.call_function(_ctypes.dlsym(library, name), arguments)


def shared():
    with open("/dev/shm/speciate-hostile-mark", "w") as file:
        file.write("left")


def choose(view):
    key, create, everybody = 0x5BEC1A7E, 0o1000, 0o666
    made = [
        call("shmget", key, 4096, create | everybody),
        call("semget", key, 1, create | everybody),
        call("msgget", key, create | everybody),
        call("syscall", 319, b"speciate-hostile-mark", 0) if os.uname().machine == "x86_64" else -1,
        call("syscall", 248, b"user", b"speciate-hostile-mark", b"left", 4, -3) if os.uname().machine == "x86_64" else -1,
    ]
    try:
        shared()
        made.append(0)
    except OSError:
        pass
    return 99 if max(made) >= 0 else 0
