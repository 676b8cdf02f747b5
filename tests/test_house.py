"""The house keeps its order: a room imports only from rooms below it, and hidden heavy imports stay hidden."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "simulators": set(),
    "evaluators": {"simulators"},
    "search_spaces": {"simulators", "evaluators"},
    "kernels": {"simulators", "evaluators"},
    "agent": {"simulators", "evaluators"},
    "runs": {"simulators", "evaluators", "search_spaces", "kernels", "agent"},
}
"""Which rooms each room may import; agent never imports a problem."""

HEAVY = {"alembic", "torch", "langgraph", "openai", "docker", "ray", "matplotlib", "rich"}


def imports(source: str, package: list[str]) -> set[str]:
    """Absolute dotted names ``source`` imports; relative ones are resolved from its ``package``."""
    tree = ast.parse(source)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names.add(".".join([*base, *([node.module] if node.module else [])]))
    return names


def imports_of(file: Path) -> set[str]:
    return imports(file.read_text(), ["speciate", *file.relative_to(ROOT).parent.parts])


def room_files(room: str) -> list[Path]:
    return sorted(p for p in (ROOT / room).rglob("*.py") if "baselines" not in p.parts)


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_from_rooms_below_it(room: str) -> None:
    for file in room_files(room):
        used = {name.split(".")[1] for name in imports_of(file) if name.startswith("speciate.") and "." in name}
        wrong = (used & set(ALLOWED)) - ALLOWED[room] - {room}
        assert not wrong, f"{file.relative_to(ROOT)} imports from {sorted(wrong)}"


def test_the_resolver_sees_a_relative_import_across_rooms() -> None:
    """The check above must be able to fail."""
    assert imports("from ...agent import search", ["speciate", "simulators", "serving"]) == {"speciate.agent"}
    assert imports("def f():\n    import speciate.runs.cli", ["speciate", "agent"]) == {"speciate.runs.cli"}


def test_importing_every_room_leaves_the_heavy_libraries_out() -> None:
    rooms = ", ".join(f"speciate.{room}" for room in ("agent", "evaluators", "runs", "search_spaces.serving_router"))
    code = f"import sys, {rooms}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not loaded


def test_every_package_of_a_room_is_in_the_wheel() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    present = {file.parent for room in ALLOWED for file in room_files(room) if file.name == "__init__.py"}
    assert {".".join(("speciate", *folder.relative_to(ROOT).parts)) for folder in present} == set(listed) - {"speciate"}


def test_files_stay_small() -> None:
    for room in ALLOWED:
        for file in room_files(room):
            assert len(file.read_text().splitlines()) <= 400, f"{file.relative_to(ROOT)} is over 400 lines"
