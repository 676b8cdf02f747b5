"""The same landscape as an evaluation file, written as OpenEvolve's examples are. Environment: PEERS_LANDSCAPE, the
landscape; PEERS_LOG, a file to which the score of each evaluated program is appended.
"""

import importlib.util
import os

from landscapes import LANDSCAPES, WORKLOADS, checked, score


def evaluate(program_path):
    """Return the metrics of the program at ``program_path``; a program that fails scores nothing."""
    land = LANDSCAPES[os.environ["PEERS_LANDSCAPE"]]
    outcomes = []
    try:
        for seed in WORKLOADS:
            spec = importlib.util.spec_from_file_location("program", program_path)
            program = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(program)
            outcomes.append(land.simulate(checked(getattr(program, land.function)), seed))
        metrics = {"combined_score": score(outcomes)}
    except Exception:  # noqa: BLE001 - whatever a program raises is its failure
        metrics = {"combined_score": 0.0}
    with open(os.environ["PEERS_LOG"], "a", encoding="utf-8") as log:
        print(metrics["combined_score"], file=log)
    return metrics
