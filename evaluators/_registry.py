"""Problems by entry point (group ``speciate.problems``) or by path."""

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from ._errors import ProblemError
from ._problem import Problem, ProblemRef

GROUP = "speciate.problems"


def problem_names() -> list[str]:
    """Return the names of all installed problems, sorted."""
    return sorted(point.name for point in entry_points(group=GROUP))


def load_problem(name: str, options: Mapping[str, str] | None = None) -> Problem[Any]:
    """Return the problem called ``name``, or defined at that path.

    Raises ProblemError for an unknown name, a folder without ``problem``, or options the problem refuses.
    """
    ref = ProblemRef(name=name, options=dict(options or {}))
    return problem_of(ref)


def problem_of(ref: ProblemRef) -> Problem[Any]:
    """Return the (cached) problem that ``ref`` names."""
    return _build(ref.name, tuple(sorted(ref.options.items())))


@lru_cache(maxsize=32)
def _build(name: str, options: tuple[tuple[str, str], ...]) -> Problem[Any]:
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    factory = getattr(_load_path(Path(name)), "problem", None) if not points else _load_point(points[0])
    if not callable(factory):
        raise ProblemError(f"{name}: expected a function problem(options) that returns a Problem, found none")
    problem = factory(dict(options))
    if not isinstance(problem, Problem):
        raise ProblemError(f"{name}: problem(options) must return a Problem, got {type(problem).__name__}")
    return problem


def _load_point(point: EntryPoint) -> object:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise ProblemError(f"problem {point.name!r} is installed but does not import: {error}") from error


def _load_path(path: Path) -> ModuleType:
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        known = ", ".join(problem_names()) or "none installed"
        raise ProblemError(f"unknown problem {str(path)!r}; expected one of: {known}, or a path to a problem folder")
    digest = hashlib.blake2b(str(file.resolve()).encode(), digest_size=6).hexdigest()
    module_name = f"speciate_problem_{digest}"
    spec = importlib.util.spec_from_file_location(module_name, file, submodule_search_locations=[str(file.parent)])
    if spec is None or spec.loader is None:
        raise ProblemError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError) as error:
        raise ProblemError(f"{file}: does not import: {error}") from error
    return module
