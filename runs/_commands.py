"""What to type to do a run again."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from speciate.agent import ModelSettings, RunRecord, RunSettings

from ._arms import arm_of

DEFAULT_DATABASE = "speciate.db"
MODELS_FILE = "models.toml"
REMEASURE = RunSettings.model_fields["remeasure"].default
CHOICE = RunSettings.model_fields["choice"].default

BUDGET_OPTIONS = {"evaluations": "--evals", "minutes": "--minutes", "usd": "--usd", "tokens": "--tokens"}


MODEL_OPTIONS = {
    "base_url": "--base-url",
    "api_key_env": "--api-key-env",
    "temperature": "--temperature",
    "usd_per_million_input": "--price-in",
    "usd_per_million_output": "--price-out",
}


def champion_file(path: str) -> str:
    """Return the name of the file that a report keeps the champion's code in; ``path`` is the candidate's own."""
    return f"champion{PurePath(path).suffix}"


def commands_for(
    run: RunRecord, arms: Sequence[RunRecord], database: str, path: str = "champion.py"
) -> dict[str, str]:
    """Return the commands that repeat, inspect and check ``run`` and its control ``arms``, by purpose.

    ``database`` (never with a password in it) is named where it is not the default one; ``path`` is the champion's.
    """
    kept = champion_file(path)
    where = [] if database == DEFAULT_DATABASE else ["--db", database]
    problem = _problem_options(run.problem.options)
    search = ["speciate", "run", run.problem.name, *_run_options(run.settings), *_controls(run, arms), *problem, *where]
    models = f"{shlex.join(['speciate', 'show', run.id, '--models', *where])} > {MODELS_FILE}"
    check = ["speciate", "eval", run.problem.name, kept, "--split", "heldout", *problem]
    replicate = ["speciate", "replicate", (run.champion or "")[:12], "--run", run.id, *where]
    again = {"The champion re-judged from its record, compared to the bit": shlex.join(replicate)}
    return {
        **({} if _briefly(run.settings.models) else {"The models of the search, with their prices": models}),
        "The same search again": shlex.join(search),
        **(again if run.champion else {}),
        "The champion's code": shlex.join(["speciate", "best", run.id, "--code", *where]) + f" > {kept}",
        "The champion judged anew on held-out": shlex.join(check),
        "The archive": shlex.join(["speciate", "map", run.id, *where]),
        "This report": shlex.join(["speciate", "report", run.id, *where]),
    }


def _controls(run: RunRecord, arms: Sequence[RunRecord]) -> list[str]:
    words = [word for arm in arms for word in ("--control", arm_of(arm.settings))]
    evaluations = {arm.settings.budget.evaluations for arm in arms} - {run.settings.budget.evaluations, None}
    return words + [word for count in evaluations for word in ("--control-evals", str(count))]


def _problem_options(options: Mapping[str, str]) -> list[str]:
    words: list[str] = []
    for key, value in sorted(options.items()):
        words += ["--trace", value] if key == "trace" else ["--option", f"{key}={value}"]
    return words


def _run_options(settings: RunSettings) -> list[str]:
    words = ["--proposer", settings.proposer, "--seed", str(settings.seed), "--window", str(settings.window)]
    for field, option in BUDGET_OPTIONS.items():
        value = getattr(settings.budget, field)
        words += [] if value is None else [option, f"{value:g}" if isinstance(value, float) else str(value)]
    words += ["--choice", settings.choice] if settings.choice != CHOICE else []
    words += ["--mode", settings.mode] if settings.mode != "evolve" else []
    words += ["--operators", ",".join(settings.operators)] if settings.operators else []
    words += ["--sandbox", settings.sandbox] if settings.sandbox else []
    words += ["--lessons", settings.lessons] if settings.lessons != "run" else []
    words += ["--racing"] if settings.racing else []
    words += ["--remeasure", str(settings.remeasure)] if settings.remeasure != REMEASURE else []
    return words + _model_options(settings.models)


def _briefly(models: Sequence[ModelSettings]) -> bool:
    """Return whether the options for all models together say everything of each."""
    told = [model.model_dump(exclude={"name"}, exclude_defaults=True) for model in models]
    return all(each == told[0] and each.keys() <= MODEL_OPTIONS.keys() for each in told)


def _model_options(models: Sequence[ModelSettings]) -> list[str]:
    if not _briefly(models):
        return ["--models", MODELS_FILE]
    words = [word for model in models for word in ("--model", model.name)]
    for field, option in MODEL_OPTIONS.items() if models else ():
        value = getattr(models[0], field)
        words += [] if value is None else [option, str(value)]
    return words
