"""One search with ShinkaEvolve. Run by the Python of its venv, with the environment of ``search_evaluation.py``.

    python shinka_search.py BASE_URL SEED EVALUATIONS FOLDER

Its configuration is its default but for what a task has to say, the endpoint, and the embedding of programs, for
which there is no model here. It has no setting for a seed: the generators it draws from are seeded.
"""

import random
import sys
from pathlib import Path

import numpy as np
from shinka.core import EvolutionConfig, ShinkaEvolveRunner
from shinka.database import DatabaseConfig
from shinka.launch import LocalJobConfig


def main(base_url: str, seed: int, evaluations: int, folder: Path) -> None:
    """Search."""
    random.seed(seed)
    np.random.seed(seed)
    marked = folder / "marked.py"
    text = (folder / "initial.py").read_text("utf-8")
    marked.write_text(f"# EVOLVE-BLOCK-START\n{text}# EVOLVE-BLOCK-END\n", "utf-8")
    evolution = EvolutionConfig(
        # The seed program is its generation 0.
        num_generations=evaluations + 1,
        llm_models=[f"local/author@{base_url}"],
        embedding_model=None,
        init_program_path=str(marked),
        results_dir=str(folder / "out"),
    )
    job = LocalJobConfig(eval_program_path=str(Path(__file__).with_name("shinka_evaluation.py")))
    ShinkaEvolveRunner(evo_config=evolution, job_config=job, db_config=DatabaseConfig(), verbose=False).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
