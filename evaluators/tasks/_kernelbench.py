"""KernelBench: one file with ``Model``, ``get_inputs`` and sizes as literals; a candidate writes ``ModelNew``."""

import ast
import re
import symtable
from collections.abc import Iterator, Mapping
from pathlib import Path

from ._literals import literals, parsed, rewritten
from ._task import KernelTask, Listed, kebab, without

MODEL, NEW = "Model", "ModelNew"
_MAKERS = ("get_inputs", "get_init_inputs")
_TOLERANCE = 1e-4


def is_kernelbench(source: str) -> bool:
    """Return whether a Python text defines a KernelBench task: a class ``Model`` and a function ``get_inputs``."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    classes = {each.name for each in body if isinstance(each, ast.ClassDef)}
    return MODEL in classes and any(isinstance(each, ast.FunctionDef) and each.name == "get_inputs" for each in body)


def kernelbench_task(file: Path, source: str) -> KernelTask:
    """Return the task of a file. Raises ProblemError where it is not Python."""
    tree, found = parsed(source, str(file)), literals(source, str(file))

    def sources(numbers: Mapping[str, int]) -> Mapping[str, str]:
        return {"task": rewritten(source, found, numbers)}

    def seed(numbers: Mapping[str, int]) -> str:
        return as_candidate(sources(numbers)["task"])

    words = re.sub(r"^\d+_|\.py$", "", file.name).replace("_", " ")
    return KernelTask(
        name=kebab("kernelbench", file.stem),
        title=words,
        form="kernelbench",
        style="module",
        entry=NEW,
        parameters=(),
        tests=(),
        benches=(Listed(numbers={each.name: each.value for each in found}),),
        sources=sources,
        seed=seed,
        about=f"A KernelBench task. The reference, which `{NEW}` must agree with:\n\n```python\n{source.strip()}\n```",
        one_size=bool(_held(source) & _globals(tree)),
        tolerance=_TOLERANCE,
    )


def as_candidate(source: str) -> str:
    """Return the reference's text as a candidate's: ``Model`` is ``ModelNew``, and what makes inputs is gone."""
    return re.sub(rf"\b{MODEL}\b", NEW, without(source, _MAKERS))


def _globals(tree: ast.Module) -> set[str]:
    """Return the names that top-level assignments bind."""
    return {
        node.id
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _held(source: str) -> set[str]:
    """Return the global names that classes and functions read, those that make inputs apart."""
    tops = symtable.symtable(source, "task.py", "exec").get_children()
    return {name for table in tops if table.get_name() not in _MAKERS for name in _global_names(table)}


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_global():
            yield symbol.get_name()
    for child in table.get_children():
        yield from _global_names(child)
