"""What the drills share: how long they take (``PROVE``), what may be running, and their figures at the end."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from prove.leftovers import adopting, below
from speciate.evaluators import Sandbox, SandboxUnavailableError, sandbox_named
from speciate.evaluators.sandbox import Docker
from support.docker_engine import docker_sandbox

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the long form was asked for (``PROVE=full``)."""
    wanted = os.environ.get("PROVE", "short")
    if wanted not in ("short", "full"):
        pytest.fail(f"PROVE is short or full, got {wanted!r}")
    return wanted == "full"


@pytest.fixture
def known() -> Iterator[set[int]]:
    """Adopt whatever loses its parent, and say which processes may stay; a test adds its own helpers.

    What a failed test leaves behind is killed.
    """
    with adopting():
        running = set(below(()))
        yield running
        for pid in below(running):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def bubblewrap() -> Sandbox:
    """The sandbox; skip with the reason where it is missing, fail in CI."""
    return _usable("bubblewrap")


@pytest.fixture(scope="session", params=["docker", "bubblewrap", "process"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Each sandbox in turn; judging processes ask for it by name, and for Docker's test image by the environment."""
    found = _usable(request.param)
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(found, Docker):
            patch.setenv("SPECIATE_SANDBOX_IMAGE", found.image)
        yield found


def _usable(name: str) -> Sandbox:
    try:
        found: Sandbox | str = docker_sandbox() if name == "docker" else sandbox_named(name)
    except SandboxUnavailableError as error:
        found = str(error)
    if not isinstance(found, str):
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {found}")
    pytest.skip(found)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Take lines of figures, which are shown after the tests."""
    lines = request.config.stash.setdefault(FIGURES, [])
    return lambda line: lines.append(f"{request.node.name}: {line}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(FIGURES, [])
    if lines:
        terminalreporter.section("figures")
    for line in lines:
        terminalreporter.line(line)
