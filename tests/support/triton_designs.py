"""Run under Triton's interpreter, in a process of its own: what comes of kernels that do not do their work, as JSON."""

import json
import os
import runpy
import sys
import tempfile
from pathlib import Path

os.environ.update({"TRITON_INTERPRET": "1", "TRITON_BACKENDS_IN_TREE": "1"})

import numpy as np
import torch
from speciate.evaluators import Candidate
from speciate.evaluators._triton_worker import Watch, guarded, install
from speciate.evaluators._worker import Fault
from speciate.evaluators.check._triton_designs import triton_attacks, triton_constants
from speciate.evaluators.kernel._checks import truth_of

from support.row_softmax import RowSoftmax

PROBLEM = RowSoftmax("triton")
SIZES = {"rows": 3, "columns": 101}
ELSEWHERE = {"loops for ever", "starts a thread", "ends its process"}
"""For these it takes a sandbox."""


def outcome(candidate: Candidate, watch: Watch, folder: str) -> str:
    path = Path(folder) / "kernel.py"
    path.write_text(candidate.source, encoding="utf-8")
    function = runpy.run_path(str(path))[PROBLEM.interface.function]
    inputs = PROBLEM.inputs(SIZES, "normal", np.random.default_rng(2))
    given, y = inputs["x"].copy(), np.full((3, 101), np.nan, np.float32)
    try:
        guarded(watch, function)(torch.from_numpy(given), torch.from_numpy(y), *SIZES.values())
    except Fault as fault:
        return fault.detail
    if not np.array_equal(given, inputs["x"]):
        return "changed its input"
    return "right" if truth_of(PROBLEM, inputs, SIZES).worst({"y": y})[0] <= 1.0 else "wrong"


def main() -> None:
    watch = Watch(np)
    install(watch)
    honest = Candidate.from_source(Path(sys.argv[1]).read_text(encoding="utf-8"), path="kernel.py")
    designs = triton_constants(PROBLEM.interface)
    designs += [each.design for each in triton_attacks(PROBLEM.interface, honest)]
    with tempfile.TemporaryDirectory() as folder:
        found = {each.name: outcome(each.candidate, watch, folder) for each in designs if each.name not in ELSEWHERE}
        found["the honest one"] = outcome(honest, watch, folder)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
