"""Run under Triton's interpreter, in a process of its own: all seeds on a few of their cases; errors as JSON.

Of every human design that contends, one case each, another one from design to design. What each seed does in a call at
a size that counts is written down in the folder that is the first argument.
"""

import importlib
import json
import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update({"TRITON_INTERPRET": "1", "TRITON_BACKENDS_IN_TREE": "1"})

import numpy as np
import torch
from speciate.evaluators import KernelArrays, KernelProblem, Sizes
from speciate.evaluators._kernel_host import watched_host
from speciate.evaluators._kernel_trace import Recorder, record
from speciate.evaluators._triton_worker import Watch, install
from speciate.evaluators.kernel._checks import cases, truth_of
from speciate.evaluators.kernel._interpreted import WHOLE
from speciate.evaluators.kernel._modelled import TRACE_BYTES
from speciate.evaluators.kernel._race import TIMED

SOME = slice(1, None, 4)


def arguments(problem: KernelProblem, inputs: KernelArrays, outputs: KernelArrays, sizes: Sizes) -> list[Any]:
    interface = problem.interface
    given = [np.ascontiguousarray(inputs[each.name], each.dtype).copy() for each in interface.inputs]
    tensors = map(torch.from_numpy, [*given, *outputs.values()])
    return [*tensors, *map(sizes.get, interface.sizes), *interface.scalars.values()]


def poisoned(problem: KernelProblem, sizes: Sizes) -> KernelArrays:
    return {each.name: np.full(each.dimensions(sizes), 99, each.dtype) for each in problem.interface.outputs}


def function(problem: KernelProblem, file: Path) -> Callable[..., None]:
    found: Callable[..., None] = runpy.run_path(str(file))[problem.interface.function]
    return found


def error(problem: KernelProblem, kernel: Callable[..., None], some: slice) -> float:
    """Return the largest error of some cases, as a share of what is allowed."""
    rng = np.random.default_rng(3)
    worst = 0.0
    for case in cases(problem, rng)[some]:
        inputs = problem.inputs(case.sizes, case.distribution, rng)
        outputs = poisoned(problem, case.sizes)
        kernel(*arguments(problem, inputs, outputs, case.sizes))
        worst = max(worst, truth_of(problem, inputs, case.sizes).worst(outputs)[0])
    return worst


def trace(problem: KernelProblem, kernel: Callable[..., None], recorder: Recorder) -> Any:
    """Return what some programs do in a call at a size that counts."""
    sizes = problem.sizes["train"]["S"]
    inputs = problem.inputs(sizes, TIMED, np.random.default_rng(4))
    call = arguments(problem, inputs, poisoned(problem, sizes), sizes)
    recorder.start(TRACE_BYTES // 8, WHOLE)
    with watched_host(recorder):
        kernel(*call)
    return recorder.stop()


def main() -> None:
    install(Watch(np))
    recorder = Recorder(np)
    record(recorder)
    seeds, designs = {}, {}
    for folder in sys.argv[2:]:
        problem = importlib.import_module(f"speciate.kernels.{folder}").problem({"language": "triton"})
        kernel = function(problem, problem.folder / problem.told.seed)
        seeds[folder] = error(problem, kernel, SOME)
        np.save(Path(sys.argv[1]) / folder, trace(problem, kernel, recorder))
        yardsticks = {each.name.replace("-", "_") for each in problem.baselines() if each.control}
        files = sorted(each for each in problem.folder.glob("*/triton/*.py") if each.stem not in yardsticks)
        for number, file in enumerate(files):
            one = slice(2 * number + 1, 2 * number + 2)
            designs[f"{folder}/{file.stem}"] = error(problem, function(problem, file), one)
    found = {"seeds": seeds, "designs": designs}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
