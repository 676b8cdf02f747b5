"""Sandboxes: where a candidate runs. One protocol, two kinds, and the choice between them."""

from .._errors import SandboxUnavailableError
from ._bubblewrap import Bubblewrap
from ._kind import LocalProcess, Programs, Room, Sandbox, SandboxProcess, Worker
from ._process import Process
from ._root import INSTALL

_KINDS: dict[str, Sandbox] = {"bubblewrap": Bubblewrap(), "process": Process()}


def sandbox_names() -> list[str]:
    """Return the names ``sandbox_named`` takes, strongest first."""
    return list(_KINDS)


def sandbox_named(name: str | None = None) -> Sandbox:
    """Return the sandbox called ``name``; None means the best one that really works here.

    ``process`` is never chosen by itself: it is no security boundary, so the user has to name it.
    Raises SandboxUnavailableError for an unknown name, and where the sandbox does not work on this machine.
    """
    wanted = name or "bubblewrap"
    if wanted not in _KINDS:
        raise SandboxUnavailableError(f"unknown sandbox {wanted!r}; expected one of: {', '.join(_KINDS)}")
    sandbox = _KINDS[wanted]
    reason = sandbox.available()
    if reason is None:
        return sandbox
    hint = "" if name == "process" else "; or accept the weak one knowingly with --sandbox process"
    raise SandboxUnavailableError(f"sandbox {wanted}: {reason}{hint}")


__all__ = [
    "INSTALL",
    "Bubblewrap",
    "LocalProcess",
    "Process",
    "Programs",
    "Room",
    "Sandbox",
    "SandboxProcess",
    "Worker",
    "sandbox_named",
    "sandbox_names",
]
