"""Sandboxes: where a candidate runs. One protocol, three kinds, and the choice between them."""

from .._errors import SandboxUnavailableError
from ._bubblewrap import Bubblewrap
from ._docker import Docker
from ._kind import LocalProcess, Programs, Room, Sandbox, SandboxProcess, Worker
from ._process import Process
from ._root import INSTALL

_KINDS: dict[str, Sandbox] = {"docker": Docker(), "bubblewrap": Bubblewrap(), "process": Process()}


def sandbox_names() -> list[str]:
    """Return the names ``sandbox_named`` takes, strongest first."""
    return list(_KINDS)


def sandbox_named(name: str | None = None) -> Sandbox:
    """Return the sandbox called ``name``; None means the best one that really works here.

    That is ``docker`` where an engine answers and the image has been built, else ``bubblewrap``. ``process`` is
    never chosen by itself: it is no security boundary, so the user has to name it.
    Raises SandboxUnavailableError for an unknown name, and where the sandbox does not work on this machine.
    """
    if name is not None and name not in _KINDS:
        raise SandboxUnavailableError(f"unknown sandbox {name!r}; expected one of: {', '.join(_KINDS)}")
    reasons = []
    for wanted in ("docker", "bubblewrap") if name is None else (name,):
        reason = _KINDS[wanted].available()
        if reason is None:
            return _KINDS[wanted]
        reasons.insert(0, f"sandbox {wanted}: {reason}")
    hint = "" if name == "process" else "; or accept the weak one knowingly with --sandbox process"
    raise SandboxUnavailableError("; ".join(reasons) + hint)


def sandbox_image(sandbox: Sandbox) -> str | None:
    """Return the digest of what candidates run in, where the sandbox has an image; else None.

    Raises SandboxUnavailableError where the image is gone.
    """
    return sandbox.identity() if isinstance(sandbox, Docker) else None


__all__ = [
    "INSTALL",
    "Bubblewrap",
    "Docker",
    "LocalProcess",
    "Process",
    "Programs",
    "Room",
    "Sandbox",
    "SandboxProcess",
    "Worker",
    "sandbox_image",
    "sandbox_named",
    "sandbox_names",
]
