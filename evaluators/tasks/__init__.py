"""Tasks of other frameworks, read from where the user has them and judged as kernels of our own.

A loader reads what a task's files say (``KernelTask``); its Python runs in a sandbox only, which is asked for shapes,
inputs and answers; the rest is the kernel judge's, unchanged.
"""

from ._formats import task_at
from ._interface import TaskInterface
from ._oracle import release_oracles
from ._problem import TaskProblem

__all__ = ["TaskInterface", "TaskProblem", "release_oracles", "task_at"]
