"""Sandboxes: where a candidate runs. One protocol, three kinds, those of installed packages, and the choice.

An entry point of group ``speciate.sandboxes`` names a class (or function) without arguments that gives a ``Sandbox``.
"""

from functools import cache
from typing import cast

from .._errors import SandboxUnavailableError
from .._plugins import installed, load_installed
from ._bubblewrap import Bubblewrap
from ._docker import Docker
from ._docker_image import Image, build_image, images
from ._kind import LocalProcess, Programs, Room, Sandbox, SandboxProcess, Worker
from ._process import Process
from ._root import INSTALL

GROUP = "speciate.sandboxes"

_KINDS: dict[str, Sandbox] = {"docker": Docker(), "bubblewrap": Bubblewrap(), "process": Process()}


def sandbox_names() -> list[str]:
    """Return the names ``sandbox_named`` takes: the built-in ones, strongest first, then those installed."""
    return [*_KINDS, *(name for name in installed(GROUP) if name not in _KINDS)]


def sandbox_named(name: str | None = None) -> Sandbox:
    """Return the sandbox called ``name``; None means the best one that really works here.

    That is ``docker`` where an engine answers and the image has been built, else ``bubblewrap``. ``process`` is
    never chosen by itself: it is no security boundary, so the user has to name it.
    Raises SandboxUnavailableError for an unknown name, and where the sandbox does not work on this machine.
    """
    reasons: list[str] = []
    for wanted in ("docker", "bubblewrap") if name is None else (name,):
        sandbox = sandbox_called(wanted)
        reason = sandbox.available()
        if reason is None:
            return sandbox
        reasons.insert(0, f"sandbox {wanted}: {reason}")
    hint = "" if name == "process" else "; or accept the weak one knowingly with --sandbox process"
    raise SandboxUnavailableError("; ".join(reasons) + hint)


def sandbox_called(name: str) -> Sandbox:
    """Return the sandbox called ``name``, whether or not it works here; see ``Sandbox.available``.

    Raises SandboxUnavailableError for an unknown name, SpeciateError for a package that does not import.
    """
    return _KINDS.get(name) or _installed(name)


@cache
def _installed(name: str) -> Sandbox:
    factory = load_installed(GROUP, name)
    if not callable(factory):
        raise SandboxUnavailableError(f"unknown sandbox {name!r}; expected one of: {', '.join(sandbox_names())}")
    return cast(Sandbox, factory())


__all__ = [
    "INSTALL",
    "Bubblewrap",
    "Docker",
    "Image",
    "LocalProcess",
    "Process",
    "Programs",
    "Room",
    "Sandbox",
    "SandboxProcess",
    "Worker",
    "build_image",
    "images",
    "sandbox_called",
    "sandbox_named",
    "sandbox_names",
]
