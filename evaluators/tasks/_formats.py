"""Which framework's task lies at a path, told by its files alone. None of them is run to find out."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from .._problem import Problem
from ._flashinfer import flashinfer_task, is_definition
from ._gpu_mode import FILE as GPU_MODE
from ._gpu_mode import gpu_mode_task
from ._kernelbench import is_kernelbench, kernelbench_task
from ._problem import TaskProblem
from ._robust_backward import FILE as ROBUST_BACKWARD
from ._robust_backward import robust_backward_task
from ._robust_kbench import FILE as ROBUST_KBENCH
from ._robust_kbench import robust_kbench_task
from ._task import KernelTask
from ._text import text_of


class Found(NamedTuple):
    """A task's defining file, and what makes a problem of it."""

    file: Path
    factory: Callable[[Mapping[str, str]], Problem[Any]]
    whole_folder: bool = False
    """Whether all of its folder is the task."""


def task_at(path: Path) -> Found | None:
    """Return the foreign task at ``path``; None where there is none."""
    for name, loader in _FOLDERS.items():
        file = path / name if path.is_dir() else path
        if file.name == name and file.is_file():
            return Found(file, partial(_of_folder, loader, file), whole_folder=True)
    if path.is_file() and path.suffix == ".py":
        source = text_of(path)
        if is_kernelbench(source):
            return Found(path, lambda options: TaskProblem(kernelbench_task(path, source), path, options))
    if path.is_file() and path.suffix == ".json":
        text = text_of(path)
        if is_definition(text):
            return Found(path, lambda options: TaskProblem(flashinfer_task(path, text), path, options))
    return None


def _of_folder(loader: Callable[[Path], KernelTask], file: Path, options: Mapping[str, str]) -> TaskProblem:
    return TaskProblem(loader(file), file, options)


_FOLDERS: dict[str, Callable[[Path], KernelTask]] = {
    GPU_MODE: gpu_mode_task,
    ROBUST_KBENCH: robust_kbench_task,
    ROBUST_BACKWARD: robust_backward_task,
}
"""By the file that a folder is told by; where there are several, the folder stands for the first."""
