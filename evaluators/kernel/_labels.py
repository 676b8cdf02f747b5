"""Whose code does the work? A hint from the text alone: it labels a candidate, and never decides its status."""

import ast
import re

from .._contract import Candidate
from ._languages import Tool

_C_LIBRARY = re.compile(r"\b(?:dlopen|dlsym|dlmopen|cblas_\w+|[sd](?:gemm|gemv|axpy|dot|nrm2)_|vml\w+|mkl_\w+)\b")
_NUMPY_WORK = frozenset(
    {
        *("dot", "matmul", "einsum", "inner", "tensordot", "vdot", "sum", "mean", "var", "std", "norm", "cumsum"),
        *("bincount", "histogram", "argsort", "sort", "argpartition", "partition", "argmax", "max", "min", "add"),
        *("multiply", "divide", "exp", "sqrt", "square", "subtract", "softmax", "logaddexp"),
    }
)


def calls_a_library(candidate: Candidate, tool: Tool) -> bool:
    """Return whether the candidate's text hands the work to a library.

    In C++ it names a linear-algebra routine or loads one; in Python it calls NumPy on whole arrays and has no loop
    of its own; with Triton it calls torch so outside of its kernels; with torch it does not import Numba.
    """
    if candidate.language != "python":
        return any(_C_LIBRARY.search(file.text) for file in candidate.files)
    try:
        tree = ast.parse(candidate.source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    if tool == "triton":
        tree.body = [each for each in tree.body if not _is_kernel(each)]
    nodes = list(ast.walk(tree))
    if tool == "torch":
        return not _imports(nodes, "numba")  # A loop over layers is no loop over elements.
    if tool != "triton" and any(isinstance(node, ast.For | ast.While) for node in nodes):
        return False
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    called = {_name(each) for each in calls if tool != "triton" or isinstance(each, ast.Attribute)}
    return bool(called & _NUMPY_WORK) or any(
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult) for node in nodes
    )


def _is_kernel(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef) and any("jit" in ast.unparse(e) for e in statement.decorator_list)


def _imports(nodes: list[ast.AST], package: str) -> bool:
    modules = [each.module or "" for each in nodes if isinstance(each, ast.ImportFrom)]
    modules += [alias.name for each in nodes if isinstance(each, ast.Import) for alias in each.names]
    return any(module.partition(".")[0] == package for module in modules)


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
