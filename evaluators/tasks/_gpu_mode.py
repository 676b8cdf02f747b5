"""gpu-mode: a folder with ``task.yml`` and ``reference.py``; a candidate writes ``custom_kernel(data)``."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .._contract import Scalar
from .._errors import ProblemError
from ._literals import parsed
from ._task import KernelTask, Listed, kebab, without
from ._text import text_of

FILE = "task.yml"
ENTRY, REFERENCE = "custom_kernel", "ref_kernel"
SUBMISSION = "@SUBMISSION@"
"""What stands in ``files`` for the candidate."""
_MAKERS = ("generate_input", "check_implementation")
_NO_SIZES = frozenset({"seed", "world_size"})


class _File(BaseModel):
    name: str
    source: str


class _Told(BaseModel):
    """What of ``task.yml`` is read; runners, ranking and deadlines are their harness's own."""

    model_config = ConfigDict(extra="ignore")
    files: tuple[_File, ...] = ()
    description: str = ""
    multi_gpu: bool = False
    tests: tuple[dict[str, Scalar], ...] = ()
    benchmarks: tuple[dict[str, Scalar], ...] = Field(min_length=1)


def gpu_mode_task(file: Path) -> KernelTask:
    """Return the task that ``file`` (a ``task.yml``) declares. Raises ProblemError that says what is wrong with it."""
    told = _read(file)
    if told.multi_gpu:
        raise ProblemError(f"{file}: multi_gpu: expected a task for one device; several are not judged here")
    texts = _modules(file, told)
    reference = texts["reference"]
    missing = [name for name in ("generate_input", REFERENCE) if not re.search(rf"\b{name}\b", reference)]
    if missing:
        raise ProblemError(f"{file.parent / 'reference.py'}: expected it to define {', '.join(missing)}")
    words = file.parent.name.replace("_", " ")
    about = f"{told.description.strip()}\n\nThe reference, `{REFERENCE}`:\n\n```python\n{reference.strip()}\n```"
    return KernelTask(
        name=kebab("gpu-mode", file.parent.name),
        title=words,
        form="gpu_mode",
        style="return",
        entry=ENTRY,
        parameters=("data",),
        tests=tuple(map(_listed, told.tests)),
        benches=tuple(map(_listed, told.benchmarks)),
        sources=lambda numbers: texts,
        seed=lambda numbers: as_candidate(reference),
        about=about.strip(),
        fixed=_NO_SIZES,
        modules={name: text for name, text in texts.items() if name != "reference"},
    )


def as_candidate(reference: str) -> str:
    """Return the reference's text as a candidate's: ``ref_kernel`` is ``custom_kernel``; makers and checks are gone."""
    return re.sub(rf"\b{REFERENCE}\b", ENTRY, without(reference, _MAKERS))


def _listed(case: Mapping[str, Scalar]) -> Listed:
    numbers = {name: value for name, value in case.items() if type(value) is int}
    return Listed(numbers=numbers, words={name: value for name, value in case.items() if name not in numbers})


def _read(file: Path) -> _Told:
    import yaml

    try:
        return _Told.model_validate(yaml.safe_load(text_of(file)))
    except yaml.YAMLError as error:
        raise ProblemError(f"{file}: expected YAML, got an error in it: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ProblemError(f"{file}: {place}: {first['msg']}") from None


def _modules(file: Path, told: _Told) -> dict[str, str]:
    """Return the reference's text and those of the modules that it needs, each behind those that it imports."""
    folder = file.parent
    listed = {each.name: each.source for each in told.files if each.source != SUBMISSION}
    paths = {name.removesuffix(".py"): folder / source for name, source in listed.items() if name.endswith(".py")}
    for path in folder.glob("*.py"):
        paths.setdefault(path.stem, path)
    if "reference" not in paths:
        raise ProblemError(f"{file}: expected a file reference.py beside it, or among its files")
    for path in paths.values():
        if not path.resolve().is_relative_to(folder.resolve().parent):
            raise ProblemError(f"{path}: expected a file of the task's folder or of the one above it")
    return with_imports("reference", paths)


def with_imports(name: str, paths: Mapping[str, Path], above: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the texts of a module and of those among ``paths`` that it imports, each behind what it imports."""
    found: dict[str, str] = {}
    text = text_of(paths[name])
    for imported in _imported(parsed(text, str(paths[name]))):
        if imported in paths and imported not in (*found, *above, name):
            found |= with_imports(imported, paths, (*above, name))
    return {**found, name: text}


def _imported(tree: ast.Module) -> list[str]:
    found: list[Any] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return [each.partition(".")[0] for each in found if each]
