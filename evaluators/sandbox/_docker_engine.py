"""The Docker engine, through its SDK: is it there, what is it, and the life of one hardened container."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import SandboxError, SandboxUnavailableError
from ._docker_seccomp import profile
from ._interpreter import ENVIRONMENT, PACKAGES
from ._kind import SCRATCH_BYTES

if TYPE_CHECKING:
    from docker import DockerClient

ENGINE_WALL_S = 60.0
"""How long the engine may take for one request; a container starts in half a second on an idle machine."""
_ANSWER_WALL_S = 10.0
DEFAULT_IMAGE = "speciate-sandbox"
IMAGE_VARIABLE = "SPECIATE_SANDBOX_IMAGE"
BUILD = "build it with: speciate sandbox build"
MEETING_PLACE = "/speciate"
"""Where a container finds the folder with its judge's socket."""
OFFER = "/opt/speciate"
"""Folder of an image with what it offers beyond its base: packages, and Python under a name that is known."""
OWNER = "io.speciate.owner"
"""Label of a container: the judging process that it belongs to, see ``owner``."""
PYTHON = "io.speciate.python"
"""Label of an image: the version of the Python in it."""
PACKAGES_LABEL = "io.speciate.packages"
"""Label of an image: the packages in it, such as ``numpy 2.1.0``; empty for none."""
_OVERHEAD_BYTES = 48 << 20
"""Of a container's memory beyond the candidate's own: its supervisor and what the kernel keeps for both."""

_BOOTSTRAP = (
    "import socket\n"
    "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
    f"s.connect('{MEETING_PLACE}/judge')\n"
    "m={'__name__':'supervisor'}\n"
    "exec(compile(s.recv(1<<17),'supervisor.py','exec'),m)\n"
    "m['main'](s)\n"
)


class Shape(NamedTuple):
    """What makes one container fit for a candidate and another not."""

    image: str
    memory_bytes: int
    gpus: int = 0
    packages: bool = False
    """Whether the packages in the image are shown."""
    whole: bool = False
    """For whole programs: files in scratch can be run, and there may be many processes."""
    loads: bool = False
    """For machine code that a worker loads from scratch."""
    scratch_bytes: int = SCRATCH_BYTES
    readable: tuple[str, ...] = ()
    """Files and folders of this machine to show inside, read-only."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables of its processes, beside what every worker has."""


class Facts(NamedTuple):
    """What an engine says of itself."""

    version: str
    cgroups: str
    seccomp: bool
    remapped: bool
    """Whether root inside is another user outside."""
    rootless: bool
    lacking: tuple[str, ...]
    """Limits that this machine's kernel cannot hold."""


def image_name() -> str:
    """Return the image that candidates run in: ``SPECIATE_SANDBOX_IMAGE``, or the default one."""
    return os.environ.get(IMAGE_VARIABLE, "").strip() or DEFAULT_IMAGE


@contextmanager
def engine() -> Iterator["DockerClient"]:
    """Connect to the engine for a few requests.

    Raises SandboxUnavailableError where none answers, SandboxError for a request that fails: other exceptions
    of the SDK are told in its words.
    """
    _require_an_answer()
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        with closing(docker.from_env(timeout=int(ENGINE_WALL_S))) as client:
            yield client
    except (DockerException, RequestException) as error:
        _require_an_answer()
        raise SandboxError(f"the Docker engine: {told(error)}") from error


def told(error: Exception) -> str:
    """Return an engine's own explanation on one line."""
    explanation = getattr(error, "explanation", None) or str(error)
    return " ".join(str(explanation).split())[:600]


def _require_an_answer() -> None:
    """Ask without the SDK, which is dear to import, whether an engine is there. Raises SandboxUnavailableError."""
    address = os.environ.get("DOCKER_HOST", "").strip() or "unix:///var/run/docker.sock"
    scheme, _, path = address.partition("://")
    if scheme != "unix":
        raise SandboxUnavailableError(
            f"the Docker engine must be on this machine, at a unix socket; DOCKER_HOST is {address}"
        )
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWER_WALL_S)
        try:
            probe.connect(path)
            probe.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            if not probe.recv(1):
                raise ConnectionResetError("it hung up")
        except PermissionError:
            raise SandboxUnavailableError(
                f"you may not use the Docker engine at {path}; join its group (sudo usermod -aG docker $USER, "
                "then log in anew) or use a rootless engine and DOCKER_HOST"
            ) from None
        except OSError as error:
            why = f"silent for {_ANSWER_WALL_S:g} s" if isinstance(error, TimeoutError) else error.strerror or error
            raise SandboxUnavailableError(
                f"no Docker engine answers at {path} ({why}); start it, or install it "
                "(Debian, Ubuntu: apt install docker.io)"
            ) from None


def image_facts(name: str) -> tuple[str, Mapping[str, str]]:
    """Return an image's digest and labels. Raises SandboxUnavailableError where it is not built."""
    from docker.errors import ImageNotFound

    with engine() as client:
        try:
            found = client.api.inspect_image(name)
        except ImageNotFound:
            raise SandboxUnavailableError(f"its image {name!r} is not there; {BUILD}") from None
    return found["Id"], found["Config"].get("Labels") or {}


def facts() -> Facts:
    """Return what the engine says of itself. Raises SandboxUnavailableError or SandboxError."""
    with engine() as client:
        told_ = client.info()
    options = " ".join(told_.get("SecurityOptions") or ())
    held = {"memory": "MemoryLimit", "swap": "SwapLimit", "processes": "PidsLimit", "CPU share": "CpuCfsQuota"}
    return Facts(
        version=told_["ServerVersion"],
        cgroups=f"version {told_.get('CgroupVersion', '1')}",
        seccomp="name=seccomp" in options,
        remapped="name=userns" in options,
        rootless="name=rootless" in options,
        lacking=tuple(name for name, key in held.items() if not told_.get(key, True)),
    )


def launch(shape: Shape, folder: str) -> str:
    """Start a container whose supervisor looks for its judge in ``folder``; return its id.

    Raises SandboxUnavailableError for what this engine does not have, SandboxError for a failed start.
    """
    from docker.errors import APIError, ImageNotFound

    with engine() as client:
        try:
            made = client.api.create_container(
                shape.image,
                entrypoint=["python3", "-S", "-s", "-B", "-c", _BOOTSTRAP],
                command=[],
                user="0:0",
                hostname="sandbox",
                working_dir="/",
                environment={**ENVIRONMENT, **dict(shape.environment)},
                network_disabled=True,
                healthcheck={"test": ["NONE"]},
                labels={OWNER: owner()},
                host_config=client.api.create_host_config(**_hardened(shape, folder)),
            )["Id"]
        except ImageNotFound:
            raise SandboxUnavailableError(f"sandbox docker: its image {shape.image!r} is not there; {BUILD}") from None
        try:
            client.api.start(made)
        except APIError as error:
            with suppress(APIError):
                client.api.remove_container(made, force=True)
            if shape.gpus and "device driver" in told(error):
                raise SandboxUnavailableError(
                    f"sandbox docker: the engine cannot hand out GPUs ({told(error)}); install NVIDIA's container "
                    "toolkit, or set limits.gpus to 0"
                ) from None
            raise
    return str(made)


def _hardened(shape: Shape, folder: str) -> dict[str, Any]:
    from docker.types import DeviceRequest, LogConfig, Mount, Ulimit

    memory = shape.memory_bytes + shape.scratch_bytes + _OVERHEAD_BYTES
    # Inodes to spare: that a program leaves too many files is for the judge to say.
    files, processes, inodes = (1024, 128, 1 << 14) if shape.whole else (128, 8, 1 << 10)
    run = "exec" if shape.whole or shape.loads else "noexec"
    scratch = f"rw,nosuid,nodev,{run},size={shape.scratch_bytes},nr_inodes={inodes},mode=1777"
    shown = {path: path for path in shape.readable} | {MEETING_PLACE: folder}
    return {
        "network_mode": "none",
        "read_only": True,
        "auto_remove": True,
        # Semaphores of Python's multiprocessing are files of the second.
        "tmpfs": dict.fromkeys(("/tmp", "/dev/shm") if shape.whole else ("/tmp",), scratch) | _covered(shape),
        "mounts": [Mount(inside, path, type="bind", read_only=True) for inside, path in shown.items()],
        "mem_limit": memory,
        "memswap_limit": memory,
        "pids_limit": processes,
        "nano_cpus": 1_000_000_000,
        "ulimits": [Ulimit(name="core", soft=0, hard=0), Ulimit(name="nofile", soft=files, hard=files)],
        "cap_drop": ["ALL"],
        "cap_add": ["SETUID", "SETGID", "KILL"],
        "security_opt": ["no-new-privileges", f"seccomp={profile()}"],
        "ipc_mode": "none",
        "log_config": LogConfig(type="none"),
        "device_requests": [DeviceRequest(count=shape.gpus, capabilities=[["gpu"]])] if shape.gpus else None,
    }


def _covered(shape: Shape) -> dict[str, str]:
    """Return empty folders to lay over what the image holds and this candidate is not offered."""
    if shape.packages:
        return {}
    return {PACKAGES if shape.whole else OFFER: "ro,nosuid,nodev,noexec,size=4k,mode=0755"}


def container_pid(container: str) -> int:
    """Return the pid of a container's first process on this machine. Raises SandboxError."""
    with engine() as client:
        return int(client.api.inspect_container(container)["State"]["Pid"])


def remove(container: str) -> None:
    """Remove a container, running or not. One that is gone already is no error."""
    from docker.errors import APIError

    with suppress(SandboxError, SandboxUnavailableError), engine() as client, suppress(APIError):
        client.api.remove_container(container, force=True)


def remove_stale() -> int:
    """Remove the containers of judging processes that are gone, and return how many there were.

    A container ends with its judge; this is for one that was never connected, or that the engine lost.
    """
    from docker.errors import APIError

    removed = 0
    with engine() as client:
        for found in client.api.containers(all=True, filters={"label": OWNER}):
            machine, _, process = found["Labels"][OWNER].rpartition(" ")
            if machine == _machine() and not _lives(process):
                with suppress(APIError):
                    client.api.remove_container(found["Id"], force=True)
                    removed += 1
    return removed


def owner() -> str:
    """Return this process as a label: boot and process table of the machine, then pid and start time."""
    return f"{_machine()} {os.getpid()}:{_started(os.getpid())}"


@cache
def _machine() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"


def _lives(process: str) -> bool:
    pid, _, started = process.partition(":")
    return pid.isdecimal() and _started(int(pid)) == started


def _started(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; empty where there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""
