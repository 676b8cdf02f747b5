"""The image of the ``docker`` sandbox: made from a public base or a root file system, checked by running it."""

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sys import version_info
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from .._errors import SandboxError, SandboxUnavailableError, SpeciateError
from .._problem import Limits
from ._docker import Docker
from ._docker_container import OLDEST_PYTHON
from ._docker_engine import OWNER, PACKAGES_LABEL, PYTHON, engine, image_facts, image_name, owner, told
from ._interpreter import PACKAGES, PROGRAMS, packages
from ._kind import Worker

if TYPE_CHECKING:
    from docker import DockerClient

_NOT_WANTED = ("./proc/*", "./sys/*", "./dev/*", "./run/*", "./tmp/*", "./var/cache/apt/*", "./var/lib/apt/lists/*")
"""Of a root file system: made anew by the engine, or of no use inside."""
_SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROBE = (
    "import _ctypes, json, os, resource, sys\n"
    "_ctypes.dlopen('libc.so.6', 2)\n"
    "print(json.dumps([list(sys.version_info[:3]), os.path.realpath(sys.executable)]))\n"
)


class Image(NamedTuple):
    """An image that candidates can run in."""

    name: str
    digest: str
    python: str
    packages: str
    """What a worker may import beside the standard library, such as ``numpy 2.1.0``; empty for nothing."""


def default_base() -> str:
    """Return the public image with the Python that Speciate runs on."""
    return f"python:{version_info[0]}.{version_info[1]}-slim"


def build_image(
    name: str | None = None,
    base: str | None = None,
    rootfs: Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Image:
    """Make the image, start a worker in it, and return it. No network is used but to pull a missing base.

    Args:
        name: tag of the result; None for the one that ``--sandbox docker`` uses.
        base: image to start from, pulled where it is not here; None for ``default_base()``.
        rootfs: folder or tar file of a root file system with python3 to start from instead.
        tell: is told each step.

    Raises SandboxUnavailableError without an engine, SpeciateError where the base cannot be had or used.
    """
    name = name or image_name()
    try:
        with engine() as client:
            start = _imported(client, rootfs, tell) if rootfs is not None else _pulled(client, base, tell)
            try:
                tell("asking its Python for its version")
                version, program = _python(client, start)
                with_numpy = version[:2] == list(version_info[:2])
                tell("adding NumPy" if with_numpy else "NumPy is left out: its Python is not of this version")
                label = _committed(client, start, name, _Contents(version, program, with_numpy))
            except BaseException:
                if rootfs is not None:
                    client.api.remove_image(start, force=True)
                raise
    except SandboxError as error:
        raise SpeciateError(f"the image could not be built: {error}") from None
    tell("starting a worker in it")
    _checked(name, with_numpy)
    return Image(name, image_facts(name)[0], _dotted(version), label)


def images() -> list[Image]:
    """Return the images built here, by name. Raises SandboxUnavailableError or SandboxError."""
    found = []
    with engine() as client:
        for image in client.api.images(filters={"label": PYTHON}):
            labels = image["Labels"]
            for tag in image.get("RepoTags") or ():
                found.append(Image(tag, image["Id"], labels[PYTHON], labels.get(PACKAGES_LABEL, "")))
    return sorted(found)


class _Contents(NamedTuple):
    """What is in a base, and what is added to it."""

    version: list[int]
    program: str
    with_numpy: bool


def _dotted(version: list[int]) -> str:
    return ".".join(map(str, version))


def _pulled(client: "DockerClient", base: str | None, tell: Callable[[str], None]) -> str:
    from docker.errors import DockerException, ImageNotFound

    base = base or default_base()
    with suppress(ImageNotFound):
        return str(client.api.inspect_image(base)["Id"])
    tell(f"pulling {base}")
    repository, tag = base, None if "@" in base or ":" in base.rpartition("/")[2] else "latest"
    try:
        client.api.pull(repository, tag=tag)
        return str(client.api.inspect_image(base)["Id"])
    except DockerException as error:
        raise SpeciateError(
            f"the base image {base!r} could not be pulled ({told(error)}); name one that is here with --base, or use "
            "--rootfs DIR with a root file system that has python3 (debootstrap --variant=minbase --include=python3 "
            "bookworm DIR)"
        ) from None


def _imported(client: "DockerClient", rootfs: Path, tell: Callable[[str], None]) -> str:
    tell(f"importing {rootfs}")
    with _archive(rootfs) as stream:
        # Handed over as a plain file it would be announced with a length and sent in chunks, which is an error.
        chunks = iter(lambda: stream.read(1 << 20), b"")
        answer = client.api.import_image_from_stream(chunks, changes=[f"ENV {_SEARCH_PATH}"])
    last = json.loads(answer.strip().splitlines()[-1])
    if "status" not in last:
        raise SpeciateError(f"the engine did not take {rootfs} as a root file system: {last.get('error', last)}")
    return str(last["status"])


@contextmanager
def _archive(rootfs: Path) -> Iterator[IO[bytes]]:
    """Open a root file system as a tar stream."""
    if rootfs.is_file():
        with open(rootfs, "rb") as file:
            yield file
        return
    if not (rootfs / "usr").is_dir():
        raise SpeciateError(f"--rootfs: expected a tar file or the folder of a root file system, got {rootfs}")
    left_out = [f"--exclude={pattern}" for pattern in _NOT_WANTED]
    command = ["tar", "--create", "--numeric-owner", *left_out, "--directory", str(rootfs), "."]
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as tar:
        assert tar.stdout is not None
        try:
            yield tar.stdout
        finally:
            tar.stdout.close()
        if tar.wait() != 0:
            said.seek(0)
            why = " ".join(said.read().decode(errors="replace").split())[:300]
            raise SpeciateError(f"--rootfs: {rootfs} could not be read: {why}")


def _python(client: "DockerClient", image: str) -> tuple[list[int], str]:
    """Return the version and the path of the Python in an image. Raises SpeciateError where it is no use."""
    from docker.errors import APIError

    walls = {"network_mode": "none", "read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
    with _container(client, image, ["python3", "-S", "-s", "-c", _PROBE], walls) as made:
        try:
            client.api.start(made)
            ended = client.api.wait(made)["StatusCode"]
            said = client.api.logs(made).decode(errors="replace")
        except APIError as error:
            ended, said = 1, told(error)
    if ended != 0:
        raise SpeciateError(
            f"expected a base with python3 and the GNU C library for this machine ({os.uname().machine}); it does not "
            f"run there: {' '.join(said.split())[-400:]}"
        )
    version, program = json.loads(said)
    if tuple(version) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise SpeciateError(f"expected a base with Python {oldest} or newer, got {_dotted(version)}")
    return version, program


def _committed(client: "DockerClient", start: str, name: str, contents: _Contents) -> str:
    """Write the image ``name`` and return its label of packages."""
    import numpy

    label = f"numpy {numpy.__version__}" if contents.with_numpy else ""
    with _container(client, start, ["true"], {}) as made:
        client.api.put_archive(made, "/", _additions(contents))
        repository, _, tag = name.partition(":") if "/" not in name else _split(name)
        changes = "\n".join(
            (
                f'LABEL {PYTHON}="{_dotted(contents.version)}" {PACKAGES_LABEL}="{label}" {OWNER}=""',
                'ENTRYPOINT []',
                'CMD ["python3"]',
            )
        )
        client.api.commit(made, repository=repository, tag=tag or "latest", changes=changes)
    return label


@contextmanager
def _container(client: "DockerClient", image: str, command: list[str], walls: dict[str, Any]) -> Iterator[str]:
    """Make a container that is not started, and remove it in the end."""
    config = client.api.create_host_config(**walls)
    labels = {OWNER: owner()}
    made = client.api.create_container(image, entrypoint=command, command=[], labels=labels, host_config=config)["Id"]
    try:
        yield str(made)
    finally:
        client.api.remove_container(made, force=True)


def _split(name: str) -> tuple[str, str, str]:
    """Take the tag off a name that may have a registry with a port in it."""
    folder, slash, last = name.rpartition("/")
    repository, colon, tag = last.partition(":")
    return f"{folder}{slash}{repository}", colon, tag


def _additions(contents: _Contents) -> bytes:
    """Return a tar of what every image gets: a name for its Python, and NumPy."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("opt", "opt/speciate", PROGRAMS.strip("/"), PACKAGES.strip("/")):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for link in ("python3", "python"):
            entry = tarfile.TarInfo(f"{PROGRAMS.strip('/')}/{link}")
            entry.type, entry.linkname = tarfile.SYMTYPE, contents.program
            archive.addfile(entry)
        for path in packages() if contents.with_numpy else ():
            archive.add(path, f"{PACKAGES.strip('/')}/{os.path.basename(path)}", filter=_shipped)
    return buffer.getvalue()


def _shipped(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out tests and caches, and whose files they were."""
    parts = entry.name.split("/")
    if "tests" in parts or "__pycache__" in parts:
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def _checked(name: str, with_numpy: bool) -> None:
    sandbox = Docker(name)
    try:
        for room in (Worker(), Worker(packages=True)) if with_numpy else (Worker(),):
            sandbox.start(Limits(), room=room).close()
    except (SandboxError, SandboxUnavailableError) as error:
        raise SpeciateError(f"the image {name!r} is built, and no worker starts in it: {error}") from None
    finally:
        sandbox.release()
