"""The Python that runs inside a sandbox: how it is called, what it must see, and the worker's code."""

import marshal
import os
import sys
import sysconfig
from functools import cache
from glob import glob
from importlib.abc import InspectLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from .._errors import SandboxUnavailableError


class Mounts(NamedTuple):
    """What a sandbox's root must hold for Python to run. All read-only."""

    binds: tuple[str, ...]
    """Files and folders, at their own paths, parents before children."""
    links: tuple[tuple[str, str], ...]
    """(target, path) of symbolic links such as /lib on merged-usr systems."""
    hidden: tuple[str, ...]
    """Folders to cover with nothing: installed packages are not part of the offer."""


def executable() -> str:
    """Return the path of the interpreter under any virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def arguments() -> list[str]:
    """Return the command of a worker.

    No site, no user site, no script folder on the path, no bytecode written. ``-E`` is left out on purpose:
    the environment is ours alone, and carries the fixed hash seed that makes set orders repeatable.
    The code comes through stdin, so that nothing of the project has to be visible.
    """
    size = len(worker_code())
    bootstrap = (
        f"import marshal,os\nb=b''\nwhile len(b)<{size} and (c:=os.read(0,{size}-len(b))):b+=c\nexec(marshal.loads(b))"
    )
    return [executable(), "-S", "-s", "-P", "-B", "-c", bootstrap]


ENVIRONMENT = {"PYTHONHASHSEED": "0"}
"""All that the environment of a worker without packages holds."""

PACKAGES = "/opt/speciate/packages"
"""Where a sandbox shows NumPy to those that may import it."""

TORCH = ("torch", "torchgen", "typing_extensions", "sympy", "mpmath")
"""What must be shown so that torch loads, and derives: for that it asks SymPy whether two shapes are the same."""

PROGRAMS = "/opt/speciate/bin"
"""Where a room for programs has ``python3``: the Python that Speciate itself runs on."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1")
"""Keeps numerical libraries from starting threads, which a sealed worker could not and which change rounding."""


def environment(with_packages: bool) -> dict[str, str]:
    """Return the environment of a worker; with packages they are on its path and use one thread."""
    return {**ENVIRONMENT, **ONE_THREAD, "PYTHONPATH": PACKAGES} if with_packages else ENVIRONMENT


@cache
def packages(extras: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return where this machine has NumPy and ``extras``: folders of packages, with the libraries that wheels put
    beside them, and files of single modules.

    Raises SandboxUnavailableError where one is not installed.
    """
    found: list[str] = []
    for name in ("numpy", *extras):
        spec = find_spec(name)
        place = None if spec is None else (*(spec.submodule_search_locations or ()), spec.origin)[0]
        if place is None:
            told = {"numpy": "NumPy"}.get(name, name)
            raise SandboxUnavailableError(f"{told} is not installed beside Speciate; install it: pip install {name}")
        package = os.path.realpath(place)
        libraries = os.path.join(os.path.dirname(package), f"{name}.libs")
        found += [package, libraries] if os.path.isdir(libraries) else [package]
    return tuple(found)


@cache
def worker_code() -> bytes:
    """Return the worker module's code, marshalled: the same interpreter loads it inside."""
    return marshal.dumps(code_of("_worker"))


@cache
def code_of(module: str) -> CodeType:
    """Return the code of one of this room's modules, to be sent inside."""
    name = f"{__package__.rpartition('.')[0]}.{module}"
    spec = find_spec(name)
    code = spec.loader.get_code(name) if spec is not None and isinstance(spec.loader, InspectLoader) else None
    if code is None:
        raise ImportError(f"{name} has no code to send; expected an ordinary module")
    return code


@cache
def mounts(tools: tuple[str, ...] = ()) -> Mounts:
    """Return what Python needs of this machine's files: libraries, its own library folder, its program.

    ``tools`` are further paths to show, where they exist; installed Python packages stay hidden in them.
    """
    stdlib = sysconfig.get_path("stdlib")
    wanted = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", *tools]
    wanted += [os.path.join(sys.base_prefix, part) for part in ("lib", "lib64")]
    # In a virtual environment the plain path would be the environment's own, with all its packages.
    platform = sysconfig.get_path("platstdlib", vars={"platbase": sys.base_exec_prefix})
    wanted += [stdlib, platform, executable()]
    if sys.base_prefix.startswith("/nix/store/"):
        wanted.append("/nix/store")
    links = [(os.readlink(path), path) for path in wanted if os.path.islink(path)]
    real = sorted({path for path in wanted if os.path.exists(path) and not os.path.islink(path)})
    binds: list[str] = []
    for path in real:
        if not any(path.startswith(f"{parent}/") for parent in binds):
            binds.append(path)
    covered = [path for path in _installed(stdlib) if path.startswith(tuple(f"{parent}/" for parent in binds))]
    return Mounts(tuple(binds), tuple(dict.fromkeys(links)), tuple(covered))


def _installed(stdlib: str) -> list[str]:
    """Return the folders of installed packages, and Speciate's own wherever it is installed from."""
    local = sorted(glob("/usr/local/lib/python3*/*-packages"))
    own = [os.path.realpath(path) for path in sys.modules[__package__.partition(".")[0]].__path__]
    rooms = [str(Path(__file__).resolve().parents[2])]
    folders = [os.path.join(stdlib, "site-packages"), "/usr/lib/python3/dist-packages", *local]
    return [path for path in dict.fromkeys([*folders, *own, *rooms]) if os.path.isdir(path)]


def reachable_by_others() -> bool:
    """Return whether a user without privileges can read this Python's library."""
    path = sysconfig.get_path("stdlib")
    while path != "/":
        if os.stat(path).st_mode & 0o001 == 0:
            return False
        path = os.path.dirname(path)
    return True
