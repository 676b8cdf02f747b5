"""Building C++ kernels in the sandbox, and remembering what was built.

An entry of the cache is named by all that the result depends on: source, flags, compiler, processor, sandbox. It is
written by the judge, from what a room returned that held this one source, into a folder that no sandbox shows; and
no candidate's code runs while it is built. So a candidate can decide nothing but its own entry.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .._contract import Candidate, Cost, Status
from .._errors import CandidateFault, ProblemError
from .._room import File, Order, Rooms
from ..sandbox import Programs
from ._interface import FLAGS
from ._notes import Notes, notes_of, reading

CACHE_VARIABLE = "SPECIATE_CACHE"
_SOURCE, _OBJECT = "kernel.cpp", "kernel.so"
_KEPT = 4096
"""Entries of the cache; the oldest make room."""
_SCRIPT = (
    f"g++ {' '.join(FLAGS)} -fopt-info-vec-optimized-missed=remarks -o {_OBJECT} {_SOURCE} && "
    f"{{ {reading(_OBJECT, 'remarks')}; true; }}"
)


class Built(NamedTuple):
    """A shared object, and what its making told."""

    content: bytes
    notes: Notes
    cached: bool
    cost: Cost


def built(candidate: Candidate, rooms: Rooms, sandbox: str) -> Built:
    """Return the candidate's shared object, from the cache or built now.

    Raises CandidateFault(INVALID) with the compiler's words, or of a limit; ProblemError without a compiler.
    """
    source = candidate.source.encode(errors="surrogatepass")
    made = carried_out(Recipe(_SCRIPT, {_SOURCE: source}, _OBJECT, ("g++", "-v")), rooms, sandbox)
    return Built(made.content, notes_of(made.told, candidate.source), made.cached, made.cost)


class Recipe(NamedTuple):
    """How something is built: all that the result depends on, beside the machine."""

    script: str
    """For ``sh``; what it prints is kept with what it makes."""
    files: Mapping[str, bytes]
    result: str
    """Name of the file that it makes."""
    compiler: tuple[str, ...]
    """Command by which the compiler tells its version."""
    room: Programs = Programs()
    cpu_s: float | None = None
    """CPU seconds that it may take; None for as many as wall seconds."""


class Made(NamedTuple):
    """What a recipe gave, and what was printed meanwhile."""

    content: bytes
    told: str
    cached: bool
    cost: Cost


def carried_out(recipe: Recipe, rooms: Rooms, sandbox: str) -> Made:
    """Return what the recipe makes, from the cache or now. Raises as ``built`` does."""
    version = version_of(recipe.compiler, recipe.room, rooms, sandbox)
    return kept(key_of((recipe.script, version, processor(), sandbox), recipe.files), lambda: _made(recipe, rooms))


def kept(key: str, make: Callable[[], Made]) -> Made:
    """Return the cache's entry of that name, made now where there is none. Raises as ``make`` does."""
    file = cache_folder("kernels") / key
    known = _read(file)
    if known is not None:
        return Made(*known, cached=True, cost=Cost())
    made = make()
    _write(file, made.content, made.told)
    return made


def _made(recipe: Recipe, rooms: Rooms) -> Made:
    before = rooms.cost
    order = Order(
        command=("sh", "-c", recipe.script),
        files={name: File(content) for name, content in recipe.files.items()},
        wanted=(recipe.result,),
        wall_s=rooms.limits.start_wall_s,
        wall_limit="start_wall_s",
        cpu_s=recipe.cpu_s or rooms.limits.start_wall_s,
    )
    try:
        finished = rooms.carry_out(order, recipe.room)
    except CandidateFault as fault:
        if fault.status is not Status.CRASHED:
            raise
        raise CandidateFault(Status.INVALID, f"the build failed: {fault.detail}") from None
    made = finished.files.get(recipe.result)
    if made is None:
        raise CandidateFault(Status.INVALID, f"the build left no {recipe.result}: {finished.stderr}")
    after = rooms.cost
    spent = Cost(cpu_s=after.cpu_s - before.cpu_s, wall_s=after.wall_s - before.wall_s)
    return Made(made.content, finished.text, cached=False, cost=spent)


def version_of(compiler: tuple[str, ...], room: Programs, rooms: Rooms, sandbox: str) -> str:
    """Return what a compiler prints for the command that asks for its version."""
    asked = (sandbox, compiler)
    if asked not in _versions:
        order = Order(command=compiler, files={}, wall_s=rooms.limits.start_wall_s)
        finished = rooms.carry_out(order, room)
        _versions[asked] = finished.text + finished.stderr
    return _versions[asked]


_versions: dict[tuple[str, tuple[str, ...]], str] = {}
"""What the compilers of each sandbox say of themselves; asked once a process."""


def key_of(told: Sequence[str], files: Mapping[str, bytes]) -> str:
    """Return the name of an entry that depends on these."""
    digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=20)
    for name, content in sorted(files.items()):
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@cache
def processor() -> str:
    """Return the processor's name and features, by which ``-march=native`` chooses."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        lines = file.read().partition("\n\n")[0].splitlines()
    wanted = ("model name", "flags", "CPU part", "Features")
    return "\n".join(line for line in lines if line.startswith(wanted))


def cache_folder(name: str) -> Path:
    """Return the user's own folder for what is built or measured once. Raises ProblemError where it cannot be had."""
    home = os.environ.get(CACHE_VARIABLE) or os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(home) / "speciate" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = folder.stat().st_uid
    except OSError as error:
        raise ProblemError(f"{folder}: cannot be made or read: {error.strerror}; set {CACHE_VARIABLE}") from error
    if owner != os.geteuid():
        raise ProblemError(
            f"{folder}: expected a folder of one's own, since what lies there is run; set {CACHE_VARIABLE}"
        )
    return folder


def _read(file: Path) -> tuple[bytes, str] | None:
    """Return an entry and what was told with it; None where there is none, or where it is not as it was written."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    head, _, content = data.partition(b"\n")
    digest, _, told = head.partition(b" ")
    if digest != hashlib.blake2b(told + b"\n" + content).hexdigest().encode():
        return None
    return content, str(json.loads(told))


def _write(file: Path, content: bytes, told: str) -> None:
    body = f"{json.dumps(told)}\n".encode() + content
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as out:
        out.write(hashlib.blake2b(body).hexdigest().encode() + b" " + body)
    os.replace(out.name, file)
    entries = [each for each in os.scandir(file.parent) if not each.name.startswith(".")]
    if len(entries) > _KEPT:
        with suppress(FileNotFoundError):  # Another judge makes room too.
            for old in sorted(entries, key=lambda each: each.stat().st_mtime)[: _KEPT // 8]:
                os.unlink(old.path)
