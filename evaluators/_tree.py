"""What a process and all its descendants use, read from /proc: how the judge watches a tree it did not fork."""

import os
from collections.abc import Iterator
from typing import NamedTuple

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Census(NamedTuple):
    """One look at a tree. Processes that end while it is taken may be missing."""

    pids: tuple[int, ...]
    threads: int
    cpu_s: float
    """Of the living, and of the dead that a living one has waited for."""
    resident_bytes: int
    """Sum over the living; a page that two share counts twice."""


def census(root: int) -> Census:
    """Look at ``root`` and everything below it. A tree that is gone has no processes."""
    pids, threads, cpu_s, resident = [], 0, 0.0, 0
    for pid in _tree(root):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # Numbers 14 to 17, 20 and 24 of proc(5); the first two went with the name.
        pids.append(pid)
        cpu_s += sum(map(int, fields[11:15])) * _TICK_S
        threads += int(fields[17])
        resident += int(fields[21]) * _PAGE_BYTES
    return Census(tuple(pids), threads, cpu_s, resident)


def shared_out_bytes(pids: tuple[int, ...]) -> int | None:
    """Return the resident bytes of the processes, a page shared by n of them counted as 1/n in each.

    None where the kernel does not tell (another user's processes).
    """
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                total += next((int(line.split()[1]) << 10 for line in file if line.startswith(b"Pss:")), 0)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            return None
    return total


def _tree(root: int) -> Iterator[int]:
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += _children(pid)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        return found if os.path.exists("/proc/thread-self/children") else _children_by_parent(pid)
    return found


def _children_by_parent(pid: int) -> list[int]:
    """For kernels without CONFIG_PROC_CHILDREN: look at every process there is."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[1]) == pid:
                    found.append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
