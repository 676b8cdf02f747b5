"""Rung 1 of the ladder: what can be told from the text alone. Nothing of the candidate is executed."""

import ast

from ._contract import Candidate, Status
from ._errors import CandidateFault
from ._interface import Function, Interface
from ._problem import Limits


def screen(candidate: Candidate, interface: Interface, limits: Limits) -> CandidateFault | None:
    """Return why ``candidate`` cannot be what ``interface`` asks for, or None where it may be.

    Checked: one Python file, of at most ``limits.source_bytes`` bytes of UTF-8, that parses, and that
    defines each function at its top level with the number of parameters the interface gives.
    """
    reason = _unfit(candidate, limits)
    if reason is None:
        try:
            tree = ast.parse(candidate.source, filename=candidate.files[0].path)
        except SyntaxError as error:
            reason = f"line {error.lineno or '?'}: {error.msg}"
        except (ValueError, RecursionError, MemoryError) as error:
            reason = f"the source does not parse: {error or type(error).__name__}"
        else:
            faults = [fault for function in interface.functions if (fault := _missing(tree, function))]
            reason = "; ".join(faults) or None
    return CandidateFault(Status.INVALID, reason) if reason else None


def _unfit(candidate: Candidate, limits: Limits) -> str | None:
    if candidate.language != "python" or len(candidate.files) != 1:
        return f"expected one Python file, got {len(candidate.files)} of language {candidate.language!r}"
    try:
        size = len(candidate.source.encode())
    except UnicodeEncodeError as error:
        return f"the source must be encodable as UTF-8: {error.reason} at character {error.start}"
    if size > limits.source_bytes:
        return f"the source may have at most {limits.source_bytes} bytes, it has {size}"
    return None


def _missing(tree: ast.Module, function: Function) -> str | None:
    """Return what is wrong with the definition of ``function``; the last top-level one is the one that counts."""
    wanted = f"def {function.signature}"
    found: ast.stmt | None = None
    for statement in tree.body:
        if function.name in _names(statement):
            found = statement
    if found is None:
        return f"expected {wanted} at the top level, found no {function.name}"
    if isinstance(found, ast.AsyncFunctionDef | ast.ClassDef):
        return f"expected {wanted}, found {type(found).__name__} {function.name} at line {found.lineno}"
    arguments = found.args if isinstance(found, ast.FunctionDef) and not found.decorator_list else None
    if isinstance(found, ast.Assign | ast.AnnAssign) and isinstance(found.value, ast.Lambda):
        arguments = found.value.args
    if arguments is not None and not _takes(arguments, len(function.parameters)):
        return f"expected {wanted}, found other parameters at line {found.lineno}: ({ast.unparse(arguments)})"
    return None


def _names(statement: ast.stmt) -> list[str]:
    """Return the names a top-level statement binds, as far as hooks may be bound that way."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return [statement.target.id]
    return []


def _takes(arguments: ast.arguments, count: int) -> bool:
    """Return whether a call with ``count`` positional arguments fits."""
    most = len(arguments.posonlyargs) + len(arguments.args)
    least = most - len(arguments.defaults)
    required = any(default is None for default in arguments.kw_defaults)
    return least <= count and (arguments.vararg is not None or count <= most) and not required
