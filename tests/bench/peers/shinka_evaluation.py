"""The same landscape as ShinkaEvolve evaluates it: a script that leaves two files, with the environment of
``search_evaluation.py``.

    python shinka_evaluation.py --program_path PROGRAM --results_dir FOLDER
"""

import argparse
import json
from pathlib import Path

from search_evaluation import evaluate

parser = argparse.ArgumentParser()
parser.add_argument("--program_path", required=True)
parser.add_argument("--results_dir", type=Path, required=True)
asked = parser.parse_args()
metrics = evaluate(asked.program_path)
asked.results_dir.mkdir(parents=True, exist_ok=True)
(asked.results_dir / "metrics.json").write_text(json.dumps({**metrics, "public": {}, "private": {}}), "utf-8")
failed = metrics["combined_score"] == 0.0
verdict = {"correct": not failed, "error": "the program failed" if failed else None}
(asked.results_dir / "correct.json").write_text(json.dumps(verdict), "utf-8")
