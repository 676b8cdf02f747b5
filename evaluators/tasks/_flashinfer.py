"""flashinfer-bench: a Definition (JSON) and its workloads; a candidate writes ``run``, which is handed its outputs.

Workloads are looked for in ``workloads/`` of the trace set that the definition lies in. Without any, every variable
axis is as long as the budget of a call lets it be.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .._errors import ProblemError
from ._literals import parsed
from ._task import KernelTask, Listed, kebab
from ._text import text_of

ENTRY = "run"
_DEFAULT = 4096
_TOLERANCE = 1e-2
_WORKLOADS = 64
_TENSOR_BYTES = 256 << 20
_POINTER = b"version https://git-lfs"
_KINDS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32"}
_KINDS |= {"U8": "uint8", "BOOL": "bool"}
_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "uint8": 1, "bool": 1}


class _Axis(BaseModel):
    type: Literal["const", "var"]
    value: int | None = Field(default=None, ge=1)


class _Spec(BaseModel):
    shape: tuple[str, ...] | None = None
    """Names of axes; None for a plain number."""
    dtype: str


class _Definition(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    op_type: str = ""
    description: str | None = None
    axes: dict[str, _Axis]
    inputs: dict[str, _Spec] = Field(min_length=1)
    outputs: dict[str, _Spec] = Field(min_length=1)
    reference: str


class _Given(BaseModel):
    """How one input of a workload is made."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["random", "scalar", "safetensors"]
    value: float | int | bool | None = None
    path: str = ""
    tensor_key: str = ""


class _Workload(BaseModel):
    model_config = ConfigDict(extra="ignore")
    uuid: str = ""
    axes: dict[str, int]
    inputs: dict[str, _Given]


class _Stored(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    content: bytes


def is_definition(text: str) -> bool:
    """Return whether a JSON text is a Definition."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and {"axes", "inputs", "outputs", "reference"} <= set(told)


def flashinfer_task(file: Path, text: str) -> KernelTask:
    """Return the task of a Definition. Raises ProblemError that says what is wrong with it or its workloads."""
    told = _validated(_Definition, text, str(file))
    parsed(told.reference, f"{file}: reference")
    named = {axis for spec in (*told.inputs.values(), *told.outputs.values()) for axis in spec.shape or ()}
    strange = sorted(named - set(told.axes))
    if strange:
        raise ProblemError(f"{file}: expected shapes of the axes {', '.join(told.axes)}, got {', '.join(strange)}")
    constant = {name: axis.value for name, axis in told.axes.items() if axis.type == "const" and axis.value}
    workloads, stored = _usable(file, told)
    benches = [
        Listed(numbers={**constant, **workload.axes}, words={".workload": k}) for k, workload in enumerate(workloads)
    ]
    variable = {name: _DEFAULT for name in told.axes if name not in constant}

    def extra(listed: Listed) -> dict[str, Any]:
        k = listed.words.get(".workload")
        given = workloads[int(k)].inputs if k is not None else {}
        return {".inputs": [_made(name, spec, given.get(name), stored) for name, spec in told.inputs.items()]}

    outputs = tuple(told.outputs)
    return KernelTask(
        name=kebab("flashinfer", told.name),
        title=told.name.replace("_", " "),
        form="flashinfer",
        style="destination",
        entry=ENTRY,
        parameters=(*told.inputs, *(name if name not in told.inputs else f"{name}_out" for name in outputs)),
        tests=(),
        benches=tuple(benches) or (Listed(numbers={**constant, **variable}),),
        sources=lambda numbers: {"task": told.reference},
        seed=lambda numbers: as_candidate(told.reference, len(told.inputs)),
        about=f"{told.description or ''}\n\nThe reference, `run`:\n\n```python\n{told.reference.strip()}\n```".strip(),
        fixed=frozenset(told.axes if stored else constant),
        tolerance=_TOLERANCE,
        extra=extra,
    )


def as_candidate(reference: str, inputs: int) -> str:
    """Return the reference as a candidate that is handed its outputs last, as solutions are."""
    tail = f"""
_reference = {ENTRY}


def {ENTRY}(*given):
    answer = _reference(*given[:{inputs}])
    answers = list(answer.values()) if isinstance(answer, dict) else answer
    for target, each in zip(given[{inputs}:], answers if isinstance(answers, (list, tuple)) else [answers]):
        target.copy_(each)
"""
    return f"{reference.strip()}\n\n{tail}"


def _made(name: str, spec: _Spec, given: _Given | None, stored: Mapping[tuple[str, str], _Stored]) -> list[Any]:
    """Return how the worker makes one input: name, dtype, axes or None, and a value or a tensor's bytes."""
    shape = None if spec.shape is None else list(spec.shape)
    if given is None or given.type == "random":
        return [name, spec.dtype, shape, None]
    if given.type == "scalar":
        return [name, spec.dtype, shape, given.value]
    return [name, spec.dtype, shape, stored[given.path, given.tensor_key].content]


def _usable(file: Path, told: _Definition) -> tuple[list[_Workload], dict[tuple[str, str], _Stored]]:
    """Return the workloads whose tensors are here, and these tensors; without any tensors where some need none."""
    found = list(_workloads(file, told))
    root = _root(file)
    random = [each for each in found if all(given.type != "safetensors" for given in each.inputs.values())]
    if random or not found or root is None:
        return random, {}
    usable: list[_Workload] = []
    stored: dict[tuple[str, str], _Stored] = {}
    reasons: list[str] = []
    for workload in found:
        axes = {**_constants(told), **workload.axes}
        try:
            stored |= {
                (given.path, given.tensor_key): _tensor(root, given, told.inputs[name], axes)
                for name, given in workload.inputs.items()
                if given.type == "safetensors" and name in told.inputs
            }
        except ProblemError as error:
            reasons.append(str(error))
        else:
            usable.append(workload)
    if not usable:
        raise ProblemError(reasons[0])
    return usable, stored


def _constants(told: _Definition) -> dict[str, int]:
    return {name: axis.value for name, axis in told.axes.items() if axis.value is not None}


def _root(file: Path) -> Path | None:
    """Return the trace set's root: the nearest folder above that has ``workloads``."""
    return next((folder for folder in list(file.resolve().parents)[:4] if (folder / "workloads").is_dir()), None)


def _workloads(file: Path, told: _Definition) -> Iterator[_Workload]:
    root = _root(file)
    names = sorted((root / "workloads").rglob(f"{told.name}.jsonl")) if root else []
    rows = [(name, line) for name in names for line in text_of(name).splitlines() if line.strip()]
    variable = {name for name, axis in told.axes.items() if axis.type == "var"}
    for k, (name, line) in enumerate(rows[:_WORKLOADS]):
        where = f"{name}: row {k + 1}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ProblemError(f"{where}: expected JSON, got an error in it: {error}") from None
        body = row.get("workload", row) if isinstance(row, dict) else row
        workload = _validated(_Workload, json.dumps(body), where)
        if set(workload.axes) != variable:
            raise ProblemError(f"{where}: axes: expected {sorted(variable)}, got {sorted(workload.axes)}")
        yield workload


def _tensor(root: Path, given: _Given, spec: _Spec, axes: Mapping[str, int]) -> _Stored:
    """Read one tensor of a safetensors file. Raises ProblemError where it is not there or not what it should be."""
    path = (root / given.path).resolve()
    if not path.is_relative_to(root):
        raise ProblemError(f"{given.path}: expected a file of the trace set {root}")
    try:
        data = path.read_bytes() if path.stat().st_size <= _TENSOR_BYTES else b""
    except OSError:
        raise ProblemError(f"{path}: expected the workload's tensors there; fetch them first (git lfs pull)") from None
    if data.startswith(_POINTER):
        raise ProblemError(f"{path}: it is a Git LFS pointer, the tensors are not here; run git lfs pull")
    size = int.from_bytes(data[:8], "little")
    try:
        entry = json.loads(data[8 : 8 + size])[given.tensor_key]
        begin, end = (8 + size + int(at) for at in entry["data_offsets"])
        dtype, shape = _KINDS[entry["dtype"]], tuple(int(each) for each in entry["shape"])
    except (ValueError, KeyError, TypeError):
        raise ProblemError(f"{path}: expected a safetensors file with a tensor {given.tensor_key!r}") from None
    wanted = tuple(axes[axis] for axis in spec.shape or ())
    whole = 0 <= begin <= end <= len(data) and end - begin == math.prod(shape) * _BYTES[dtype]
    if not whole or (dtype, shape) != (spec.dtype, wanted):
        raise ProblemError(
            f"{path}: {given.tensor_key}: expected {spec.dtype} of shape {wanted}, got {dtype} of shape {shape}"
        )
    return _Stored(dtype, shape, data[begin:end])


def _validated(kind: Any, text: str, where: str) -> Any:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, _shown(first["loc"])))
        raise ProblemError(f"{where}: {place}: {first['msg']}") from None


def _shown(place: Sequence[object]) -> Sequence[object]:
    return place or ("the file",)
