"""What the drills share: how long they take (``PROVE``), and their figures at the end of the output."""

import os
from collections.abc import Callable

import pytest

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the long form was asked for (``PROVE=full``)."""
    wanted = os.environ.get("PROVE", "short")
    if wanted not in ("short", "full"):
        pytest.fail(f"PROVE is short or full, got {wanted!r}")
    return wanted == "full"


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
