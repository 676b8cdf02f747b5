"""What ``bwrap`` shows a candidate: the options that make its root, and that do not change between candidates."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

from .._errors import ProblemError, SandboxUnavailableError
from ._interpreter import PACKAGES, PROGRAMS, executable, mounts, packages
from ._kind import PROGRAM_SCRATCH_BYTES, SCRATCH_BYTES, Programs, Room, Worker

INSTALL = "install it (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"

_TOOLS = (
    *("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
)
"""What compilers and interpreters are made of. Nothing of /home, /root, /etc at large, /opt, /srv or /var."""
_HIDDEN = ("/usr/src",)
"""Where images like to put an application. Each mount costs 0.2 ms, so the rest of /usr is shown."""
_DEVICES = ("null", "zero", "full", "random", "urandom")
_MASKED = ("acpi", "cmdline", "diskstats", "kallsyms", "modules", "partitions", "sched_debug", "scsi", "swaps")
"""Of /proc: what everybody may read, and tells about the machine and not about the room's own processes."""


@cache
def prefix(room: Room) -> tuple[str, ...]:
    """Return ``bwrap`` and its options for ``room``, up to what changes from start to start.

    ``--as-pid-1``: the worker cannot fork and a room's runner reaps for itself, so that bwrap tells their own
    pid. Parents of mounts are made by hand because bwrap copies a mode of 0700, which would shut out the
    user id that the candidate drops to.

    Raises SandboxUnavailableError where a part is not there, ProblemError for a path that cannot be shown.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxUnavailableError(f"sandbox bubblewrap: the program bwrap is not there; {INSTALL}")
    namespaces = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    rights = ["--cap-drop", "ALL"]
    if os.geteuid() == 0:
        rights += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        rights = ["--unshare-user", *rights]
    command = [program, *namespaces, *rights, "--die-with-parent", "--new-session", "--as-pid-1"]
    root = _program_root(room) if isinstance(room, Programs) else _worker_root(room)
    return (*command, "--hostname", "sandbox", *_made(root, program), "--remount-ro", "/")


Step = tuple[str, ...]
"""One option of ``bwrap`` with its arguments; the last is the place inside."""


def _worker_root(room: Worker) -> Iterator[Step]:
    needed = mounts()
    yield from (("--ro-bind", path, path) for path in needed.binds)
    yield from (("--symlink", target, path) for target, path in needed.links)
    yield from chain.from_iterable(map(_covered, needed.hidden))
    if room.packages:
        yield from _shown_packages(room.extras)
        yield from (("--ro-bind", path, path) for path in ("/etc/alternatives",) if os.path.isdir(path))
    if "torch" in room.extras:
        # It does not load without; with a file of its own there it draws the same in every start.
        yield ("--symlink", f"{PACKAGES}/torch/version.py", "/dev/urandom")
    # Of a root that one worker after the other has, nothing can be written.
    yield ("--dir", "/tmp") if room.loaded else ("--tmpfs", str(SCRATCH_BYTES), "/tmp")


def _program_root(room: Programs) -> Iterator[Step]:
    needed = mounts(_TOOLS)
    yield from (("--ro-bind", path, path) for path in needed.binds)
    yield from (("--symlink", target, path) for target, path in needed.links)
    yield from chain.from_iterable(map(_covered, (*needed.hidden, *filter(os.path.isdir, _HIDDEN))))
    if room.packages:
        yield from _shown_packages(room.extras)
    yield from (("--symlink", executable(), f"{PROGRAMS}/{name}") for name in ("python3", "python"))
    # Not made read-only: bwrap would bind them anew without devices, and no program could open them.
    yield from (("--dev-bind", f"/dev/{name}", f"/dev/{name}") for name in _DEVICES)
    yield ("--symlink", "/proc/self/fd", "/dev/fd")
    yield from (
        ("--symlink", f"/proc/self/fd/{n}", f"/dev/{name}") for n, name in enumerate(("stdin", "stdout", "stderr"))
    )
    yield ("--symlink", "/tmp", "/dev/shm")
    yield ("--proc", "/proc")
    for path in filter(os.path.exists, (f"/proc/{name}" for name in _MASKED)):
        if os.path.isdir(path):
            yield from _covered(path)
        else:
            yield ("--ro-bind", "/dev/null", path)
    yield ("--tmpfs", str(PROGRAM_SCRATCH_BYTES), "/tmp")
    yield from (("--ro-bind", path, path) for path in sorted(map(showable, room.readable)))


def _shown_packages(extras: tuple[str, ...] = ()) -> Iterator[Step]:
    for path in packages(extras):
        yield ("--ro-bind", path, f"{PACKAGES}/{os.path.basename(path)}")


def _covered(path: str) -> Iterator[Step]:
    yield ("--tmpfs", "", path)
    yield ("--remount-ro", path)


def showable(path: str) -> str:
    """Return the real path of what a room is to show. Raises ProblemError for what cannot be shown."""
    if not os.path.isabs(path) or os.path.normpath(path) == "/" or not os.path.exists(path):
        raise ProblemError(f"expected the absolute path of a file or folder that exists to show inside, got {path!r}")
    return os.path.realpath(path)


def _made(steps: Iterable[Step], program: str) -> Iterator[str]:
    """Spell out the steps, each place's parents made first."""
    known: set[str] = set()
    bound: tuple[str, ...] = ()
    sized = _sized_tmpfs(program)
    for step in steps:
        place = step[-1]
        for parent in _parents(place):
            if parent not in known and not f"{parent}/".startswith(bound):
                known.add(parent)
                yield from ("--perms", "0755", "--dir", parent)
        if step[0] != "--tmpfs":
            yield from step
        elif step[1] == "":
            yield from ("--perms", "0755", "--tmpfs", place)
        elif sized:
            yield from ("--perms", "1777", "--size", step[1], "--tmpfs", place, "--chdir", place)
        else:
            yield from ("--chdir", "/")
        bound = (*bound, f"{place}/") if step[0] == "--ro-bind" else bound
        known.add(place)


def _parents(path: str) -> list[str]:
    """Return the folders above ``path``, outermost first, without the root."""
    parts = path.strip("/").split("/")[:-1]
    return ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]


@cache
def _sized_tmpfs(program: str) -> bool:
    """Return whether this bwrap can limit a tmpfs (0.7 and later); without a limit there is no scratch."""
    told = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return "--size BYTES" in told.stdout
