"""A Docker engine for the tests: the one that answers here, or one of our own, and the sandbox's image in it."""

import atexit
import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path

from speciate.evaluators import SandboxUnavailableError
from speciate.evaluators.sandbox import Docker
from speciate.evaluators.sandbox._docker_engine import OWNER, PACKAGES_LABEL, engine, image_facts, owner
from speciate.evaluators.sandbox._docker_image import build_image

IMAGE = f"speciate-tests:python{sys.version_info[0]}.{sys.version_info[1]}"
NEEDED = ("dockerd", "containerd", "runc", "debootstrap", "tar")
INSTALL = "apt install docker.io debootstrap"
START_WALL_S = 60.0
_daemons: "list[subprocess.Popen[bytes]]" = []
"""Engines that this process started."""


@cache
def docker_sandbox() -> Docker | str:
    """Return the sandbox with an image built for the tests, or why it cannot be had."""
    reason = _engine_or_reason()
    if reason is not None:
        return reason
    sandbox = Docker(IMAGE)
    atexit.register(sandbox.release)
    with _locked("image"):
        if not _has_image():
            rootfs = rootfs_tar()
            if isinstance(rootfs, str):
                return rootfs
            build_image(IMAGE, rootfs=rootfs)
    return sandbox.available() or sandbox


def _cache_folder() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "speciate-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Keep other test processes out."""
    with open(_cache_folder() / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _has_image() -> bool:
    """Return whether the image is there, made for this Python and this version of the build."""
    try:
        labels = image_facts(IMAGE)[1]
    except SandboxUnavailableError:
        return False
    return labels.get(PACKAGES_LABEL) == f"numpy {version('numpy')}"


def _engine_or_reason() -> str | None:
    try:
        with engine():
            return None
    except SandboxUnavailableError as error:
        reason = str(error)
    if os.geteuid() != 0:
        return f"{reason}; starting one for the tests needs root"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"{reason}; starting one for the tests needs {', '.join(absent)} ({INSTALL})"
    return _started()


def _started() -> str | None:
    """Start an engine that needs nothing of this machine's network, until this process ends."""
    mounted = {line.split()[2] for line in Path("/proc/mounts").read_text().splitlines()}
    if not {"cgroup", "cgroup2"} & mounted and shutil.which("cgroupfs-mount"):
        subprocess.run(["cgroupfs-mount"], check=False)  # A machine without an init that did it.
    folder = Path(tempfile.mkdtemp(prefix="speciate-engine-", dir="/tmp"))
    folder.chmod(0o711)  # The engine sets the socket to its group, as on any machine.
    address = f"unix://{folder}/docker.sock"
    command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--host", address]
    command += ["--pidfile", f"{folder}/pid", "--iptables=false", "--ip6tables=false", "--bridge=none"]
    with open(folder / "log", "wb") as log:
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    _daemons.append(daemon)
    atexit.register(_stop, daemon, folder)
    os.environ["DOCKER_HOST"] = address
    deadline = time.monotonic() + START_WALL_S
    while time.monotonic() < deadline and daemon.poll() is None:
        try:
            with engine():
                return None
        except SandboxUnavailableError:
            time.sleep(0.2)
    said = (folder / "log").read_text(errors="replace").splitlines()
    return f"dockerd did not start here: {said[-1] if said else 'it said nothing'}"


def _stop(daemon: "subprocess.Popen[bytes]", folder: Path) -> None:
    daemon.terminate()
    try:
        daemon.wait(30)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([path for path in mounts if path.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def rootfs_tar() -> Path | str:
    """Return a root file system with Python, made once and kept outside the tree; or why there is none."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        return f"the image is not built, and making its root file system needs root and debootstrap ({INSTALL})"
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")
    kept = _cache_folder() / f"rootfs-{suite}-{platform.machine()}.tar"
    with _locked("rootfs"):
        if kept.is_file():
            return kept
        with tempfile.TemporaryDirectory(prefix="speciate-rootfs-") as made:
            words = ["debootstrap", "--variant=minbase", "--include=python3", suite, made]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"debootstrap made no root file system: {' '.join((done.stdout + done.stderr).split())[-300:]}"
            half = kept.with_suffix(".half")
            left_out = [f"--exclude=./{name}/*" for name in ("proc", "sys", "dev", "var/cache/apt")]
            subprocess.run(["tar", "-cf", half, "--numeric-owner", *left_out, "-C", made, "."], check=True)
            half.rename(kept)
    return kept


def engine_pids() -> set[int]:
    """Return the first process of each engine that this process started; its own helpers come and go below it."""
    return {daemon.pid for daemon in _daemons}


def containers() -> set[str]:
    """Return the ids of all containers that belong to this process, running or not."""
    with engine() as client:
        found = client.api.containers(all=True, filters={"label": f"{OWNER}={owner()}"})
    return {item["Id"] for item in found}


def containers_of(pids: Collection[int]) -> dict[str, str]:
    """Return the containers that the processes of these pids started, running or not, and how they stand."""
    with engine() as client:
        found = client.api.containers(all=True, filters={"label": OWNER})
    owners = {item["Id"][:12]: int(item["Labels"][OWNER].rpartition(" ")[2].partition(":")[0]) for item in found}
    return {item["Id"][:12]: item["Status"] for item in found if owners[item["Id"][:12]] in pids}


@contextmanager
def released(sandbox: object) -> Iterator[None]:
    """Start and end with nothing warm, so that what a test leaves behind can be counted."""
    if isinstance(sandbox, Docker):
        sandbox.release()
    yield
    if isinstance(sandbox, Docker):
        sandbox.release()
