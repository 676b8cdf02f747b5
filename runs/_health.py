"""What ``doctor`` looks at: each check is a fact about this machine, in a sentence."""

import importlib.util
import json
import os
import platform
import shutil
import sqlite3
import subprocess
from typing import NamedTuple

from speciate.evaluators import SandboxUnavailableError, SpeciateError, problem_names, sandbox_named, sandbox_names
from speciate.evaluators.kernel import HUGE_PAGES_SWITCH, INSTALL, huge_pages_granted, look_for_gpus, toolkit
from speciate.evaluators.sandbox import sandbox_called

from speciate import __version__

OLDEST_SQLITE = (3, 35)
"""First with RETURNING."""
OPTIONAL_PARTS = {
    "psycopg": "archives on a PostgreSQL server",
    "torch": "real runs, `speciate real`",
    "triton": "kernels in Triton",
}


class Check(NamedTuple):
    """One finding."""

    name: str
    ok: bool
    needed: bool
    """Whether a search cannot run without it."""
    told: str
    notes: tuple[str, ...] = ()


def checks(key_env: str) -> list[Check]:
    """Return the findings. A key is only said to be set or not, never shown."""
    return [
        Check("speciate", True, True, f"{__version__}, problems: {', '.join(problem_names()) or 'none'}"),
        Check("python", True, True, f"{platform.python_version()} on {platform.platform(terse=True)}"),
        _sqlite(),
        _cores(),
        _pages(),
        *sandbox_checks(),
        _key(key_env),
        _git(),
        _nvcc(),
        _gpus(),
        *_optional(),
    ]


def check_lines(found: list[Check]) -> list[str]:
    """Return the findings as text."""
    lines = []
    for check in found:
        mark = "ok  " if check.ok else ("FAIL" if check.needed else "--  ")
        lines.append(f"{mark}  {check.name:<12}  {check.told}")
        lines += [f"                    {note}" for note in check.notes]
    return lines


def checks_json(found: list[Check]) -> str:
    """Return the findings as JSON."""
    return json.dumps([check._asdict() for check in found], indent=2)


def _sqlite() -> Check:
    version = sqlite3.sqlite_version
    ok = sqlite3.sqlite_version_info >= OLDEST_SQLITE
    oldest = ".".join(map(str, OLDEST_SQLITE))
    return Check("sqlite", ok, True, version if ok else f"{version}: expected {oldest} or newer")


def _cores() -> Check:
    usable = len(os.sched_getaffinity(0))
    return Check("cores", True, True, f"{usable} usable of {os.cpu_count()}")


def _pages() -> Check:
    if huge_pages_granted():
        return Check("huge pages", True, False, "granted: kernels are timed in them")
    told = "not granted: kernels are timed in small ones, and their figures differ more from run to run"
    if HUGE_PAGES_SWITCH.exists():
        told += f"; root can have them by: echo madvise > {HUGE_PAGES_SWITCH}"
    return Check("huge pages", False, False, told)


def sandbox_checks() -> list[Check]:
    """Return which sandbox is used, and what each one on this machine stops and does not stop."""
    try:
        chosen = sandbox_named(None).name
    except SandboxUnavailableError as error:
        found = [Check("sandbox", False, True, str(error))]
    else:
        found = [Check("sandbox", True, True, f"{chosen} is used unless --sandbox names another")]
    return found + [_sandbox(name) for name in sandbox_names()]


def _sandbox(name: str) -> Check:
    try:
        sandbox = sandbox_called(name)
        reason = sandbox.available()
    except SpeciateError as error:
        return Check(name, False, False, str(error))
    if reason is not None:
        return Check(name, False, False, reason)
    return Check(name, True, False, "works here", tuple(sandbox.describe()))


def _key(name: str) -> Check:
    is_set = bool(os.environ.get(name, "").strip())
    told = f"{name} is set" if is_set else f"{name} is not set: the genetic proposer needs none, --model may"
    return Check("model key", is_set, False, told)


def _git() -> Check:
    path = shutil.which("git")
    if path is None:
        return Check("git", False, False, "not found; only needed to contribute")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=10)
    return Check("git", version.returncode == 0, False, version.stdout.strip() or version.stderr.strip())


def _nvcc() -> Check:
    home = toolkit()
    if home is None:
        return Check("nvcc", False, False, f"not found: kernels in CUDA; {INSTALL}")
    told = subprocess.run([home / "bin/nvcc", "--version"], capture_output=True, text=True, check=False, timeout=10)
    release = next((line for line in told.stdout.splitlines() if "release" in line), told.stderr.strip())
    return Check("nvcc", told.returncode == 0, False, f"{release}, in {home}: kernels in CUDA")


def _gpus() -> Check:
    found = look_for_gpus()
    if not found.gpus:
        why = f" ({found.trouble})" if found.trouble else ""
        return Check("gpu", False, False, f"none found{why}: the time of kernels in CUDA and Triton is modelled")
    told = "; ".join(gpu.words for gpu in found.gpus)
    return Check("gpu", True, False, f"{told}: kernels in CUDA and Triton are timed there")


def _optional() -> list[Check]:
    found = []
    for module, what in OPTIONAL_PARTS.items():
        present = importlib.util.find_spec(module) is not None
        found.append(Check(module, present, False, f"{'installed' if present else 'not installed'}: {what}"))
    return found
