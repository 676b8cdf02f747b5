"""Run in a process of its own: seeds are compiled as for a device that is not here; what each launches, as JSON."""

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile

os.environ["TRITON_BACKENDS_IN_TREE"] = "1"

from speciate.evaluators import KernelProblem
from speciate.evaluators._triton_builder import launches
from speciate.evaluators.kernel._triton_build import job_of
from triton import knobs
from triton.runtime.jit import JITFunction

ASSEMBLER, VERSION = knobs.nvidia.ptxas.path, knobs.nvidia.ptxas.version


def built(problem: KernelProblem, architecture: int) -> dict[str, object]:
    job = {**job_of(problem.interface, [problem.sizes["train"]["S"]]), "assembler": VERSION}
    function = runpy.run_path(str(problem.folder / problem.told.seed))[problem.interface.function]
    run = JITFunction.run
    try:
        found = launches(function, {**job, "architectures": [architecture]})
    finally:
        JITFunction.run = run
    target = {80: "sm_80", 90: "sm_90a"}[architecture]
    kernels = {name: {"ptx": each["ptx"], "told": told(each["ptx"], target)} for name, each in found["kernels"].items()}
    return {**found, "kernels": kernels}


def told(text: str, target: str) -> str:
    """Return what the assembler tells of a kernel."""
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(text)
        file.flush()
        command = [ASSEMBLER, "-v", f"--gpu-name={target}", file.name, "-o", f"{file.name}.o"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        os.unlink(f"{file.name}.o")
    return done.stderr


def main() -> None:
    """Compile each seed for one of the architectures in turn: both of every seed take twice as long."""
    found = {}
    for i, folder in enumerate(sys.argv[1:]):
        problem = importlib.import_module(f"speciate.kernels.{folder}").problem({"language": "triton"})
        found[folder] = built(problem, (80, 90)[i % 2])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
