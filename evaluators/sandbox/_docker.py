"""The ``docker`` sandbox: a warm hardened container, and in it a forked worker of another user a candidate."""

import os
import platform
from functools import cache

from .._errors import SandboxError, SandboxUnavailableError
from .._problem import Limits
from ._docker_container import SHARED, Birth, ContainedProcess, Container, Shelf, source_of
from ._docker_engine import PACKAGES_LABEL, PYTHON, Shape, facts, image_facts, image_name, remove_stale, told
from ._interpreter import PACKAGES, environment
from ._kind import (
    PROGRAM_SCRATCH_BYTES,
    SCRATCH_BYTES,
    Confinement,
    Pipes,
    Programs,
    Room,
    SandboxProcess,
    Worker,
    await_ready,
    handshake,
    room_settings,
)
from ._root import showable
from ._seccomp import supported


class Docker:
    """Containers of an engine on this machine. Each judging process keeps one warm, and has it replaced.

    The image is built by ``speciate sandbox build``; ``image`` names another than the one in use everywhere.
    """

    name = "docker"

    def __init__(self, image: str | None = None):
        self._image = image

    @property
    def image(self) -> str:
        """Name of the image that candidates run in."""
        return self._image or image_name()

    def available(self) -> str | None:
        """Return None where a worker starts here, else the reason in one sentence. Asked once a process."""
        return _reason(self.image)

    def identity(self) -> str:
        """Return the digest of the image that candidates run in. Raises SandboxUnavailableError."""
        return image_facts(self.image)[0]

    def describe(self) -> list[str]:
        """Return what this sandbox stops, and what it does not."""
        reason = self.available()
        if reason:
            return [f"not usable: {reason}"]
        return _description(self.image)

    def start(
        self, limits: Limits, cpu: int | None = None, room: Room | None = None, shared: int | None = None
    ) -> SandboxProcess:
        """Start a worker; see ``Sandbox.start``."""
        room = room or Worker()
        if room.extras:
            raise SandboxUnavailableError(
                "sandbox docker: expected a candidate that imports no more than NumPy, its kind asks for "
                f"{', '.join(room.extras)}; use --sandbox bubblewrap"
            )
        whole = isinstance(room, Programs)
        shape = Shape(
            image=self.image,
            memory_bytes=limits.memory_bytes,
            gpus=limits.gpus,
            packages=room.packages,
            whole=whole,
            loads=shared is not None,
            scratch_bytes=PROGRAM_SCRATCH_BYTES if whole else SCRATCH_BYTES,
            readable=tuple(sorted(map(showable, room.readable))) if isinstance(room, Programs) else (),
            environment=room.environment if isinstance(room, Worker) else (),
        )
        if room.packages:
            _require_packages(self.image)
        birth = Birth(cpu, environment(room.packages), (PACKAGES,) if room.packages else ())
        return _started(shape, limits, room, birth, shared)

    def release(self) -> None:
        """Close the warm containers of this process that no candidate is in."""
        _shelf.release()

    def idle(self) -> list[Container]:
        """Return the warm containers of this process that no candidate is in."""
        return _shelf.idle()


_shelf = Shelf()
os.register_at_fork(after_in_child=_shelf.forget)


def _started(shape: Shape, limits: Limits, room: Room, birth: Birth, shared: int | None) -> ContainedProcess:
    _sweep()
    pipes = Pipes()
    container = None
    try:
        try:
            container = _shelf.take(shape)
            pid, uid = container.start(pipes, birth, shared)
        finally:
            pipes.close_child_ends()
        process = ContainedProcess(container, pid, pipes, _shelf)
        process.shared = None if shared is None else SHARED
    except BaseException as error:
        if container is not None:
            container.close(remove_now=True)
        pipes.close()
        if isinstance(error, OSError):
            raise SandboxError(f"the container did not come up: {error}") from error
        raise
    try:
        if isinstance(room, Programs):
            handshake(process, room_settings(uid, source_of("_runner").decode()), b"")
        else:
            await_ready(process, limits, Confinement(uid), code=b"")
    except BaseException as error:
        process.close()
        if isinstance(error, OSError):
            raise SandboxError(f"the sandbox did not come up: {error}") from error
        raise
    return process


@cache
def _sweep() -> int:
    """Remove what dead judging processes left, once a process."""
    return remove_stale()


@cache
def _reason(image: str) -> str | None:
    if not supported():
        return f"its system-call filter is written for x86_64 and aarch64, this is {os.uname().machine}"
    try:
        image_facts(image)
        Docker(image).start(Limits()).close()
    except SandboxUnavailableError as error:
        return str(error).removeprefix("sandbox docker: ")
    except SandboxError as error:
        return f"the engine answers and a container does not work: {error}"
    except ImportError as error:
        return f"the Docker SDK is not usable ({told(error)}); install it with: pip install 'docker>=7'"
    return None


@cache
def _require_packages(image: str) -> None:
    _, labels = image_facts(image)
    if not labels.get(PACKAGES_LABEL):
        raise SandboxUnavailableError(
            f"sandbox docker: the image {image!r} has no NumPy, since its Python ({labels.get(PYTHON, 'unknown')}) is "
            "not of the version that Speciate runs on; build it from a base that has that Python"
        )


def _description(image: str) -> list[str]:
    engine, (digest, labels) = facts(), image_facts(image)
    if engine.remapped or engine.rootless:
        root = "root inside is an ordinary user outside"
    else:
        root = "the supervisor is the machine's root, with the rights to change user ids and to kill and no others"
    lines = [
        "stops: network, your files, other processes, environment, new processes, threads and sockets (a container "
        "with a read-only root, and a system-call filter)",
        "stops: privileges (every candidate has a user id of its own, without capabilities and without new ones; "
        f"{root})",
        "limits: memory, processes and CPU of the whole container, CPU seconds, wall seconds, file size, open files, "
        "output",
        "does not stop: reading the image's files and what /proc and /sys tell about the machine, the clock, and bugs "
        "in the kernel or the engine",
        f"engine {engine.version}, control groups {engine.cgroups}, image {image} {digest[:19]} with Python "
        f"{labels.get(PYTHON, 'unknown')}{_with(labels.get(PACKAGES_LABEL))}",
    ]
    if labels.get(PYTHON, "").split(".")[:2] != platform.python_version().split(".")[:2]:
        lines.append(
            f"does not stop: answers that differ from another sandbox's, since its Python is of another version than "
            f"this one ({platform.python_version()})"
        )
    if engine.lacking:
        lines.append(f"does not stop: passing the container's limit of {', '.join(engine.lacking)} (kernel without it)")
    if not engine.seccomp:
        lines.append("does not stop: calls that only the engine's filter would deny (engine without seccomp)")
    return lines


def _with(packages: str | None) -> str:
    return f" and {packages}" if packages else ""
