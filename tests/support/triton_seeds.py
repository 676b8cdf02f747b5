"""Run under Triton's interpreter, in a process of its own: all seeds on a few of their cases; errors as JSON."""

import importlib
import json
import os
import runpy
import sys

os.environ.update({"TRITON_INTERPRET": "1", "TRITON_BACKENDS_IN_TREE": "1"})

import numpy as np
import torch
from speciate.evaluators import KernelProblem
from speciate.evaluators._triton_worker import Watch, install
from speciate.evaluators.kernel._checks import cases, truth_of

SOME = slice(1, None, 4)


def error(problem: KernelProblem) -> float:
    """Return the largest error of some cases, as a share of what is allowed."""
    kernel = runpy.run_path(str(problem.folder / problem.told.seed))[problem.interface.function]
    rng = np.random.default_rng(3)
    worst = 0.0
    for case in cases(problem, rng)[SOME]:
        inputs = problem.inputs(case.sizes, case.distribution, rng)
        interface = problem.interface
        outputs = {each.name: np.full(each.dimensions(case.sizes), 99, each.dtype) for each in interface.outputs}
        given = [np.ascontiguousarray(inputs[each.name], each.dtype).copy() for each in interface.inputs]
        tensors = map(torch.from_numpy, [*given, *outputs.values()])
        kernel(*tensors, *map(case.sizes.get, interface.sizes), *interface.scalars.values())
        worst = max(worst, truth_of(problem, inputs, case.sizes).worst(outputs)[0])
    return worst


def main() -> None:
    install(Watch(np))
    found = {}
    for folder in sys.argv[1:]:
        found[folder] = error(importlib.import_module(f"speciate.kernels.{folder}").problem({"language": "triton"}))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
