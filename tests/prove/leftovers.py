"""What a killed process leaves behind: processes, containers, mounts, sockets, semaphores and files, without a gap.

While this process is a *subreaper*, whatever loses its parent below it becomes its child. So all that a run
ever started is found by walking down from here, whatever session or process group it moved to.
"""

import ctypes
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from speciate.evaluators.sandbox._docker_engine import engine
from support.docker_engine import containers_of

_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")


@contextmanager
def adopting() -> Iterator[None]:
    """Adopt every orphan below this process, and reap what has ended when leaving."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused to make this process a subreaper")
    try:
        yield
    finally:
        below(())
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def below(known: "tuple[int, ...] | set[int]") -> dict[int, str]:
    """Return pid and command line of what runs below this process, apart from ``known`` and what is below those.

    Adopted children that have ended are reaped on the way; ``known`` ones are left to whoever waits for them.
    """
    families: dict[int, list[int]] = {}
    for pid, (parent, state) in _processes().items():
        if parent == os.getpid() and state == "Z" and pid not in known:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            continue
        families.setdefault(parent, []).append(pid)
    found: dict[int, str] = {}
    fresh = [os.getpid()]
    while fresh:
        fresh = [pid for parent in fresh for pid in families.get(parent, []) if pid not in known]
        found |= {pid: _command(pid) for pid in fresh}
    return found


def semaphores(pid: int) -> set[Path]:
    """Return the files in shared memory that process ``pid`` has open."""
    maps = (_PROC / str(pid) / "maps").read_text(encoding="utf-8")
    return {Path(line.split(maxsplit=5)[5]) for line in maps.splitlines() if "/dev/shm/" in line}


def mounts() -> set[str]:
    """Return the mounts that this process sees, by their places."""
    return {line.split()[1] for line in (_PROC / "self" / "mounts").read_text("utf-8").splitlines()}


def mounted_for_others(pids: Collection[int]) -> set[str]:
    """Return the file systems of running containers that the processes of these pids did not start."""
    with engine() as client:
        others = {item["Id"] for item in client.api.containers() if item["Id"][:12] not in containers_of(pids)}
        told = [client.api.inspect_container(name) for name in others]
    return {each["GraphDriver"]["Data"]["MergedDir"] for each in told}


def sockets(folder: Path) -> list[str]:
    """Return the names of unix sockets below ``folder`` that anybody holds, bound or connected."""
    lines = (_PROC / "net" / "unix").read_text("utf-8", errors="replace").splitlines()[1:]
    return [line.split()[7] for line in lines if len(line.split()) > 7 and str(folder) in line.split()[7]]


def kernel_objects() -> list[str]:
    """Return the shared memory, semaphores and queues of System V that stand in the kernel.

    Shared memory whose maker lives is left out: a database of somebody else's may be on this machine.
    """
    found = []
    for kind in ("shm", "sem", "msg"):
        rows = [line.split() for line in (_PROC / "sysvipc" / kind).read_text("utf-8").splitlines()[1:]]
        found += [f"{kind} {row[0]} {row[1]}" for row in rows if kind != "shm" or not (_PROC / row[4]).exists()]
    return found


def gone(left: Callable[[], object], patience_s: float = 20.0) -> float:
    """Wait until ``left()`` is empty and return the seconds that took; fail with what it still holds."""
    began = time.monotonic()
    while remaining := left():
        waited = time.monotonic() - began
        assert waited < patience_s, f"still there after {waited:.0f} s: {remaining}"
        time.sleep(0.02)
    return time.monotonic() - began


def _processes() -> dict[int, tuple[int, str]]:
    """Return parent and state of every process."""
    found = {}
    for name in filter(str.isdigit, os.listdir(_PROC)):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = (_PROC / name / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            found[int(name)] = (int(fields[1]), fields[0])
    return found


def _command(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    return ""
