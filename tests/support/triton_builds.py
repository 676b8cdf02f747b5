"""Run in a process of its own: seeds are compiled as for a device that is not here; what each launches, as JSON."""

import importlib
import json
import os
import runpy
import sys
import tempfile

os.environ.update({"TRITON_BACKENDS_IN_TREE": "1", "TRITON_DUMP_PTXAS_LOG": "1"})

from speciate.evaluators import KernelProblem
from speciate.evaluators._triton_builder import launches
from speciate.evaluators.kernel._triton import job_of
from triton.runtime.jit import JITFunction


def built(problem: KernelProblem, architecture: int) -> dict[str, object]:
    job = {**job_of(problem.interface, [problem.sizes["train"]["S"]]), "architectures": [architecture]}
    function = runpy.run_path(str(problem.folder / problem.told.seed))[problem.interface.function]
    run = JITFunction.run
    try:
        return launches(function, job)
    finally:
        JITFunction.run = run


def main() -> None:
    """Compile each seed for one of the architectures in turn: both of every seed take twice as long."""
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TRITON_CACHE_DIR"] = cache
        for i, folder in enumerate(sys.argv[1:]):
            problem = importlib.import_module(f"speciate.kernels.{folder}").problem({"language": "triton"})
            found[folder] = built(problem, (80, 90)[i % 2])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
