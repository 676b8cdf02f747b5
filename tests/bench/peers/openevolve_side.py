"""Evaluate programs one after the other with OpenEvolve's own ``Evaluator``. Run by the Python of its venv.

    python openevolve_side.py TIMEOUT_S RESULTS PROGRAM...

Its settings are its defaults, but for the timeout and the cascade (which needs stages that the task has not). One
JSON line a program is appended to RESULTS as soon as it is known, since a program may end this process.
"""

import asyncio
import json
import sys
from pathlib import Path

from openevolve.config import EvaluatorConfig
from openevolve.evaluator import Evaluator


async def main(timeout_s: float, results: Path, programs: list[Path]) -> None:
    """Evaluate all programs."""
    evaluation = Path(__file__).with_name("openevolve_evaluation.py")
    config = EvaluatorConfig(timeout=timeout_s, cascade_evaluation=False)
    evaluator = Evaluator(config, str(evaluation))
    for program in programs:
        metrics = await evaluator.evaluate_program(program.read_text("utf-8"), program.stem)
        with results.open("a", encoding="utf-8") as file:
            print(json.dumps(metrics), file=file)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), Path(sys.argv[2]), [Path(each) for each in sys.argv[3:]]))
