"""A task of another framework, as its files tell it; what only its own Python knows is asked later."""

import ast
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pydantic import Field

from .._contract import Frozen, Scalar
from ._facts import Facts

Style = Literal["module", "return", "destination"]
"""How a candidate is called: a class that is made and then called; a function that answers; one that is handed its
outputs last."""


class Listed(Frozen):
    """One set of sizes that a task lists."""

    numbers: dict[str, int]
    """Its whole numbers by name: what can be shrunk."""
    words: dict[str, Scalar] = Field(default_factory=dict)
    """All else that belongs to the case."""


class Sample(Listed):
    """One set of sizes that was tried here, and what the task's own Python made of it."""

    facts: Facts


def kebab(framework: str, words: str) -> str:
    """Return a problem's name: ``kernelbench-23-softmax``."""
    return re.sub(r"[^a-z0-9]+", "-", f"{framework}-{words}".lower()).strip("-")


def without(source: str, names: Collection[str]) -> str:
    """Return a module's text without the top-level functions, classes and assignments that bind one of ``names``."""
    drop = {
        line
        for statement in ast.parse(source).body
        if _bound(statement) & set(names)
        for line in range(_first_line(statement) - 1, statement.end_lineno or statement.lineno)
    }
    lines = source.splitlines(keepends=True)
    return "".join(line for k, line in enumerate(lines) if k not in drop).strip() + "\n"


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _first_line(statement: ast.stmt) -> int:
    decorators = statement.decorator_list if isinstance(statement, ast.FunctionDef | ast.ClassDef) else []
    return min([statement.lineno, *(each.lineno for each in decorators)])


class KernelTask(NamedTuple):
    """What a loader makes of a path."""

    name: str
    """kebab-case."""
    title: str
    form: str
    """Which way of drawing its calls the worker takes."""
    style: Style
    entry: str
    """What a candidate defines."""
    parameters: tuple[str, ...]
    """Of a candidate that is a function."""
    tests: tuple[Listed, ...]
    benches: tuple[Listed, ...]
    sources: Callable[[Mapping[str, int]], Mapping[str, str]]
    """From sizes to the texts of its modules."""
    seed: Callable[[Mapping[str, int]], str]
    """From sizes to the reference as a candidate."""
    about: str
    """The task in its authors' words and code: Markdown."""
    fixed: frozenset[str] = frozenset()
    """Numbers that are no sizes."""
    one_size: bool = False
    """Whether the reference itself holds sizes, so that a candidate made from it fits one of them only."""
    modules: Mapping[str, str] = MappingProxyType({})
    """Texts of modules that a candidate may import, each behind those that it imports."""
    extra: Callable[[Listed], Mapping[str, Any]] = lambda listed: {}
    """What a case is made of beside its numbers and words."""
    tolerance: float = 1e-4
    """Share by which the task lets an answer differ; it counts where its reference cannot be reckoned in float64."""
