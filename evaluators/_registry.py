"""Problems by entry point (group ``speciate.problems``) or by path, tasks of other frameworks among the latter."""

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from ._edition import edition
from ._errors import ProblemError
from ._plugins import installed, load_installed
from ._problem import Problem, ProblemRef

GROUP = "speciate.problems"
DEFINITIONS = ("problem.toml", "problem.py", "__init__.py")
"""What a problem folder is defined by, the first that is there."""


def problem_names() -> list[str]:
    """Return the names of all installed problems, sorted."""
    return installed(GROUP)


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
    factory, found = load_installed(GROUP, name), None
    if factory is None:
        found = _defined_at(Path(name))
        factory = found.factory
    if not callable(factory):
        raise ProblemError(f"{name}: expected a function problem(options) that returns a Problem, found none")
    problem = factory(dict(options))
    if not isinstance(problem, Problem):
        raise ProblemError(f"{name}: problem(options) must return a Problem, got {type(problem).__name__}")
    if found is not None:
        problem.version = f"{problem.version}+{edition(found.file, whole_folder=found.whole_folder)}"
    return problem


class _Found(NamedTuple):
    file: Path
    """What defines the problem."""
    factory: object
    whole_folder: bool


def _defined_at(path: Path) -> _Found:
    """Return what lies at ``path``: a problem, or another framework's task."""
    from .tasks import task_at  # here, since a problem with a name of its own needs none of it

    if not any((path / name).is_file() for name in DEFINITIONS):
        found = task_at(path)
        if found is not None:
            return _Found(*found)
    file = _definition(path)
    return _Found(file, _factory_in(file), file.name in DEFINITIONS)


def _definition(path: Path) -> Path:
    """Return the file that defines the problem at ``path``: one of ``DEFINITIONS`` in a folder, or the file itself."""
    files = [path / name for name in DEFINITIONS] if path.is_dir() else [path]
    file = next((file for file in files if file.is_file()), None)
    if file is None and path.is_dir():
        raise ProblemError(
            f"{path}: expected a problem folder with {', '.join(DEFINITIONS)}, or a task of KernelBench, "
            "robust-kbench, gpu-mode or flashinfer-bench; it has none of their files"
        )
    if file is None:
        known = ", ".join(problem_names()) or "none installed"
        raise ProblemError(f"unknown problem {str(path)!r}; expected one of: {known}, or a path to a problem folder")
    return file


def _factory_in(file: Path) -> object:
    if file.suffix == ".toml":
        from ._command import command_problem

        return partial(command_problem, file)
    return getattr(_imported(file), "problem", None)


def _imported(file: Path) -> ModuleType:
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
