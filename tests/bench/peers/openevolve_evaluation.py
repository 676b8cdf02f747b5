"""The evaluation file, written as OpenEvolve's examples are: load the program, run it, return metrics."""

import importlib.util

from world import SEEDS, score, simulate


def evaluate(program_path):
    """Return the metrics of the program at ``program_path``."""
    spec = importlib.util.spec_from_file_location("program", program_path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    outcomes = [simulate(program.choose, seed) for seed in SEEDS]
    deciding = sum(outcome.deciding_ms for outcome in outcomes)
    return {"combined_score": score(outcomes), "deciding_ms": deciding}
