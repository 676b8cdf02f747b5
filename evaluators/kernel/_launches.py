"""How a CUDA candidate is called: kernels, grids and blocks as arithmetic of the sizes, in comments of its own file.

A candidate has no host code, so that nothing of it runs where a device is driven from. Two kinds of lines say what its
kernels need; the judge reads them, reckons them itself, and checks them before each call. A constant of the file that
is a plain number may be named in them:

    constexpr int THREADS = 256;
    // scratch: partial float64[(count + THREADS - 1) / THREADS]
    // launch: block_sums<<<(count + THREADS - 1) / THREADS, THREADS>>>(x, partial, count)
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from .._contract import Status
from .._errors import CandidateFault
from ._interface import C_TYPES, ITEM_BYTES, Buffer, DType, KernelInterface, Sizes

_GRAMMAR = (
    "`// launch: kernel<<<grid, block>>>(arguments)`, or `<<<grid, block, bytes>>>` with bytes of dynamic shared "
    "memory; grid and block are a number or up to three in parentheses"
)
THREADS_MOST = 1024
SHARED_MOST = 163 << 10
"""Bytes of shared memory that a block of either architecture can have."""
GRID_MOST = (2**31 - 1, 65535, 65535)
_BLOCK_MOST = (1024, 1024, 64)
SCRATCH_MOST = 256 << 20
_LINES_MOST = 32
_NUMBER_MOST = 2**62
_TEXT_MOST = 400
_LINE = re.compile(r"^\s*//\s*(launch|scratch):\s*(.*?);?\s*$", re.MULTILINE)
_LAUNCH = re.compile(r"([A-Za-z_]\w*)\s*<<<(.*?)>>>\s*\((.*)\)", re.ASCII)
_CONSTANT = re.compile(
    r"^\s*(?:static\s+)?constexpr\s+(?:int|unsigned|int64_t)\s+(\w+)\s*=\s*(\d{1,9})\s*;", re.MULTILINE
)
_SCRATCH = re.compile(r"([a-z][a-z0-9_]*)\s+(\w+)\s*\[(.*)\]", re.ASCII)
_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
_FUNCTIONS = ("min", "max")


class Scratch(NamedTuple):
    """Memory of the device for the time of one call."""

    name: str
    dtype: DType
    elements: ast.expr


class Launch(NamedTuple):
    """One launch of a kernel, as it is written."""

    kernel: str
    grid: tuple[ast.expr, ...]
    block: tuple[ast.expr, ...]
    shared: ast.expr
    """Bytes of dynamic shared memory."""
    arguments: tuple[ast.expr, ...]


class Planned(NamedTuple):
    """One launch at some sizes."""

    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared: int
    arguments: tuple[str | int | float, ...]
    """Names of buffers, whole numbers and scalars."""


class Launches(NamedTuple):
    """All launches of one call, in order, and what they need."""

    interface: KernelInterface
    scratch: tuple[Scratch, ...]
    launches: tuple[Launch, ...]

    def plan(self, sizes: Sizes) -> tuple[Planned, ...]:
        """Return the launches of a call with ``sizes``. Raises CandidateFault(INVALID) for one that no device takes."""
        self.scratch_bytes(sizes)
        return tuple(self._planned(launch, sizes) for launch in self.launches)

    def scratch_bytes(self, sizes: Sizes) -> dict[str, int]:
        """Return the bytes of each scratch buffer. Raises CandidateFault(INVALID) for too many."""
        found = {each.name: _reckoned(each.elements, sizes) * ITEM_BYTES[each.dtype] for each in self.scratch}
        if not all(size >= 1 for size in found.values()) or sum(found.values()) > SCRATCH_MOST:
            raise _invalid(
                f"scratch at {_words(sizes)}: expected at least an element each and at most {SCRATCH_MOST >> 20} MiB, "
                f"got {found} bytes"
            )
        return found

    def signature(self, launch: Launch) -> tuple[str, ...]:
        """Return the C types of the kernel's parameters."""
        return tuple(self.c_type(each.id if isinstance(each, ast.Name) else "") for each in launch.arguments)

    def _planned(self, launch: Launch, sizes: Sizes) -> Planned:
        grid, block = (_dimensions(each, sizes) for each in (launch.grid, launch.block))
        shared = _reckoned(launch.shared, sizes)
        threads = block[0] * block[1] * block[2]
        where = f"launch of {launch.kernel} at {_words(sizes)}"
        if not _within(grid, GRID_MOST) or not _within(block, _BLOCK_MOST) or threads > THREADS_MOST:
            raise _invalid(
                f"{where}: expected a grid of 1 to {GRID_MOST} and a block of 1 to {_BLOCK_MOST} with at most "
                f"{THREADS_MOST} threads, got {grid} and {block}"
            )
        if shared > SHARED_MOST:
            raise _invalid(f"{where}: expected at most {SHARED_MOST} bytes of shared memory, got {shared}")
        told = tuple(self._value(each, sizes) for each in launch.arguments)
        return Planned(launch.kernel, grid, block, shared, told)

    def _value(self, node: ast.expr, sizes: Sizes) -> str | int | float:
        if isinstance(node, ast.Name) and node.id not in sizes:
            return self.interface.scalars.get(node.id, node.id)
        return _reckoned(node, sizes)

    def c_type(self, name: str) -> str:
        """Return the C type of an argument: of a buffer, a scratch buffer or a scalar by its name, else of a number."""
        for buffer in self.interface.inputs:
            if buffer.name == name:
                return f"const {C_TYPES[buffer.dtype]}*"
        outputs: Iterable[Buffer | Scratch] = (*self.interface.outputs, *self.scratch)
        for each in outputs:
            if each.name == name:
                return f"{C_TYPES[each.dtype]}*"
        return "double" if name in self.interface.scalars else "int64_t"


def launches_of(source: str, interface: KernelInterface) -> Launches:
    """Read the launches of a candidate's text. Raises CandidateFault(INVALID) for what cannot be read."""
    lines = [(kind, _plain(text, source)) for kind, text in _LINE.findall(source)]
    if len(lines) > _LINES_MOST:
        raise _invalid(f"expected at most {_LINES_MOST} launches and scratch buffers, got {len(lines)}")
    scratch = tuple(_scratch(text, interface) for kind, text in lines if kind == "scratch")
    names = [each.name for each in scratch]
    if len(set(names)) != len(names):
        raise _invalid(f"expected a name of its own for each scratch buffer, got {', '.join(names)}")
    launches = tuple(_launch(text, interface, names) for kind, text in lines if kind == "launch")
    if not launches:
        raise _invalid(f"expected a line that says how a kernel is launched: {_GRAMMAR}; got none")
    return Launches(interface, scratch, launches)


def _plain(text: str, source: str) -> str:
    """Return a line with the numbers in place of the constants that it names."""
    numbers = {name: str(int(value)) for name, value in _CONSTANT.findall(source)}
    return re.sub(r"\b[A-Za-z_]\w*\b", lambda word: numbers.get(word[0], word[0]), text)


def in_c(node: ast.expr) -> str:
    """Return an expression as C++ reckons it, all of it in 64 bits."""
    if isinstance(node, ast.Constant):
        return f"INT64_C({node.value!r})"
    if isinstance(node, ast.BinOp):
        return f"({in_c(node.left)} {_OPERATORS[type(node.op)]} {in_c(node.right)})"
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return f"emulated::{node.func.id}imum({', '.join(map(in_c, node.args))})"
    assert isinstance(node, ast.Name)
    return node.id


def _scratch(text: str, interface: KernelInterface) -> Scratch:
    match = _SCRATCH.fullmatch(text)
    if match is None or match[2] not in C_TYPES:
        raise _invalid(
            f"expected `// scratch: name dtype[count]` with a dtype of {', '.join(C_TYPES)}, got {text[:200]!r}"
        )
    name = match[1]
    if name in (*(each.name for each in interface.buffers), *interface.sizes, *interface.scalars, interface.function):
        raise _invalid(f"scratch {name}: that name is one of the interface's")
    dtype = next(each for each in C_TYPES if each == match[2])
    (elements,) = _expressions(match[3], interface.sizes)
    return Scratch(name, dtype, elements)


def _launch(text: str, interface: KernelInterface, scratch: list[str]) -> Launch:
    match = _LAUNCH.fullmatch(text)
    if match is None:
        raise _invalid(f"expected {_GRAMMAR}; got {text[:200]!r}")
    shape = _parsed(match[2])
    if len(shape) not in (2, 3):
        raise _invalid(f"expected {_GRAMMAR}; got {text[:200]!r}")
    grid, block = (tuple(each.elts) if isinstance(each, ast.Tuple) else (each,) for each in shape[:2])
    shared = shape[2] if len(shape) == 3 else ast.Constant(0)
    for each in (*grid, *block, shared):
        _check(each, interface.sizes)
    if not 1 <= len(grid) <= 3 or not 1 <= len(block) <= 3:
        raise _invalid(f"expected one to three numbers for the grid and the block, got {text[:200]!r}")
    whole = [buffer.name for buffer in interface.buffers] + [*interface.scalars, *scratch]
    arguments = _parsed(match[3])
    for each in arguments:
        if not (isinstance(each, ast.Name) and each.id in whole):
            _check(each, interface.sizes, whole)
    return Launch(match[1], grid, block, shared, tuple(arguments))


def _expressions(text: str, names: Iterable[str]) -> list[ast.expr]:
    found = _parsed(text)
    for each in found:
        _check(each, names)
    if len(found) != 1:
        raise _invalid(f"expected one number of elements, got {text[:200]!r}")
    return found


def _parsed(text: str) -> list[ast.expr]:
    node = None
    if len(text) <= _TEXT_MOST:
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            node = ast.parse(f"({text},)" if text.strip() else "()", mode="eval").body
    if not isinstance(node, ast.Tuple):
        raise _invalid(f"expected at most {_TEXT_MOST} characters of numbers and names, got {text[:200]!r}")
    return node.elts


def _check(node: ast.expr, names: Iterable[str], whole: Iterable[str] = ()) -> None:
    """Check that an expression is arithmetic of sizes. Raises CandidateFault(INVALID)."""
    for each in _walked(node):
        number = isinstance(each, ast.Constant) and type(each.value) is int and 0 <= each.value < _NUMBER_MOST
        name = isinstance(each, ast.Name) and each.id in names
        step = isinstance(each, ast.BinOp) and type(each.op) in _OPERATORS
        call = isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in _FUNCTIONS
        call = call and isinstance(each, ast.Call) and len(each.args) == 2 and not each.keywords
        if not (number or name or step or call):
            also = f", or one of {', '.join(whole)} by itself" if whole else ""
            given = ast.unparse(each)[:200]
            raise _invalid(f"expected whole numbers, {', '.join(names)}, + - * / % ( ) min max{also}; got {given!r}")


def _walked(node: ast.expr) -> Iterator[ast.expr]:
    yield node
    if isinstance(node, ast.BinOp):
        yield from _walked(node.left)
        yield from _walked(node.right)
    elif isinstance(node, ast.Call):
        for each in node.args:
            yield from _walked(each)


def _reckoned(node: ast.expr, sizes: Mapping[str, int]) -> int:
    """Return the value of an expression. Raises CandidateFault(INVALID) where it leaves the whole numbers from 0 up."""
    value = _value_of(node, sizes)
    if value is None or not 0 <= value < _NUMBER_MOST:
        told = "a division by zero" if value is None else str(value)
        raise _invalid(f"{ast.unparse(node)} at {_words(sizes)}: expected a number from 0 to 2^62, got {told}")
    return value


def _value_of(node: ast.expr, sizes: Mapping[str, int]) -> int | None:
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int)
        return node.value
    if isinstance(node, ast.Name):
        return sizes[node.id]
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        values = [_reckoned(each, sizes) for each in node.args]
        return min(values) if node.func.id == "min" else max(values)
    assert isinstance(node, ast.BinOp)
    left, right = _reckoned(node.left, sizes), _reckoned(node.right, sizes)
    if isinstance(node.op, ast.Div | ast.Mod):
        if right == 0:
            return None
        return left // right if isinstance(node.op, ast.Div) else left % right
    if isinstance(node.op, ast.Mult):
        return left * right
    return left + right if isinstance(node.op, ast.Add) else left - right


def _dimensions(wanted: tuple[ast.expr, ...], sizes: Sizes) -> tuple[int, int, int]:
    found = [_reckoned(each, sizes) for each in wanted] + [1, 1]
    return found[0], found[1], found[2]


def _within(found: tuple[int, int, int], most: tuple[int, int, int]) -> bool:
    return all(1 <= each <= top for each, top in zip(found, most, strict=True))


def _words(sizes: Sizes) -> str:
    return ", ".join(f"{name}={value}" for name, value in sizes.items())


def _invalid(detail: str) -> CandidateFault:
    return CandidateFault(Status.INVALID, detail)
