"""robust-kbench: a folder with ``func_forward.py`` and ``config_forward.json``; a candidate writes ``forward_fn``.

Its model hands all tensors and numbers to ``forward_fn``, so that is what a candidate is called with.
``_robust_backward`` reads the backward tasks.
"""

import ast
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .._contract import Scalar
from .._errors import ProblemError
from ._literals import parsed
from ._task import KernelTask, Listed, kebab, without
from ._text import text_of

FILE, CONFIG, ENTRY = "func_forward.py", "config_forward.json", "forward_fn"
MAKERS = frozenset({"Model", "get_inputs", "input_names"})
TOLERANCE = 1e-5
_INIT = "init_"
"""Before the name of a constructor's argument that is another one than the input's of the same name."""


def robust_kbench_task(file: Path) -> KernelTask:
    """Return the task of a folder's ``func_forward.py``. Raises ProblemError that says what is wrong with it."""
    source = text_of(file)
    tree = parsed(source, str(file))
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    if ENTRY not in functions:
        raise ProblemError(f"{file}: expected a function {ENTRY} at its top level")
    tests, benches = cases_in(file.with_name(CONFIG))
    return KernelTask(
        name=kebab("robust-kbench", file.parent.name),
        title=file.parent.name.replace("_", " "),
        form="robust_kbench",
        style="return",
        entry=ENTRY,
        parameters=tuple(each.arg for each in functions[ENTRY].args.args),
        tests=tests,
        benches=benches,
        sources=lambda numbers: {"task": source},
        seed=lambda numbers: without(source, MAKERS),
        about=f"A robust-kbench task. The reference, `{ENTRY}`:\n\n```python\n{source.strip()}\n```",
        tolerance=TOLERANCE,
    )


def cases_in(file: Path) -> tuple[tuple[Listed, ...], tuple[Listed, ...]]:
    """Return the cases of a configuration: those to check, and those to time. Raises ProblemError."""
    config = _config(file)
    many = tuple(_cases(config, "multi_", file))
    return many, tuple(_cases(config, "single_", file)) or many


def _config(file: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        told = json.loads(text_of(file))
    except ValueError as error:
        raise ProblemError(f"{file}: expected JSON, got an error in it: {error}") from None
    for name, rows in told.items() if isinstance(told, dict) else [("the file", None)]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ProblemError(f"{file}: {name}: expected a list of objects with arguments")
    return {str(name): rows for name, rows in told.items()}


def _cases(config: Mapping[str, list[dict[str, Any]]], prefix: str, file: Path) -> Iterator[Listed]:
    """Give the cases of one group: inputs times constructor's arguments, the shared ones laid over both."""
    inputs, init, shared = (config.get(f"{prefix}{kind}_configs") or [{}] for kind in ("input", "init", "shared"))
    if not any(f"{prefix}{kind}_configs" in config for kind in ("input", "init", "shared")):
        return
    for given, made, both in itertools.product(inputs, init, shared):
        yield _listed({**given, **both}, {**made, **both}, file)


def _listed(given: Mapping[str, Any], made: Mapping[str, Any], file: Path) -> Listed:
    values: dict[str, Any] = dict(given)
    init: dict[str, str] = {}
    for name, value in made.items():
        place = name if values.get(name, value) == value else f"{_INIT}{name}"
        values[place], init[name] = value, place
    odd = next((name for name, value in values.items() if not isinstance(value, bool | int | float | str)), None)
    if odd is not None:
        raise ProblemError(f"{file}: {odd}: expected a number or a word, got {values[odd]!r}")
    numbers = {name: value for name, value in values.items() if type(value) is int}
    words: dict[str, Scalar] = {name: value for name, value in values.items() if name not in numbers}
    return Listed(numbers=numbers, words={**words, ".given": json.dumps(sorted(given)), ".init": json.dumps(init)})
