"""One search with OpenEvolve. Run by the Python of its venv, with the environment of ``search_evaluation.py``.

    python openevolve_search.py BASE_URL SEED EVALUATIONS FOLDER

Its configuration is its default but for what a task has to say: the endpoint, the seed, the number of iterations, a
full rewrite a reply, and no cascade, since the evaluation has no stages.
"""

import asyncio
import sys
from pathlib import Path

from openevolve import OpenEvolve
from openevolve.config import Config, LLMModelConfig


def main(base_url: str, seed: int, evaluations: int, folder: Path) -> None:
    """Search."""
    config = Config()
    config.max_iterations = evaluations
    config.random_seed = config.database.random_seed = seed
    config.diff_based_evolution = False
    config.language = "python"
    config.evaluator.cascade_evaluation = False
    model = LLMModelConfig(name="author", api_base=base_url, api_key="none")
    config.llm.api_base, config.llm.api_key = base_url, "none"
    config.llm.models, config.llm.evaluator_models = [model], [model]
    # What ``LLMConfig`` would do had the models been named when it was made: its own defaults for each.
    names = ("temperature", "max_tokens", "timeout", "retries", "retry_delay")
    config.llm.update_model_params({name: getattr(config.llm, name) for name in names})
    config.log_level = "WARNING"
    evaluation = Path(__file__).with_name("search_evaluation.py")
    evolution = OpenEvolve(str(folder / "initial.py"), str(evaluation), config, output_dir=str(folder / "out"))
    asyncio.run(evolution.run(iterations=evaluations))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
