"""From words on the command line to the settings of a run."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from speciate.agent import EXTERNAL, FIXED_GRAMMAR, RunSettings
from speciate.evaluators import SpeciateError

from ._arms import ARMS
from ._options import Arm

DEFAULT_EVALUATIONS = 200

OPTION_OF = {
    "evaluations": "--evals",
    "minutes": "--minutes",
    "usd": "--usd",
    "tokens": "--tokens",
    "api_key_env": "--api-key-env",
    "proposer": "--proposer",
    "window": "--window",
    "choice": "--choice",
    "ticket_hours": "--ticket-hours",
    "workers": "--workers",
    "temperature": "--temperature",
    "base_url": "--base-url",
    "usd_per_million_input": "--price-in",
    "usd_per_million_output": "--price-out",
    "niches": "--archive cvt:N",
    "count": "--islands",
    "lessons": "--lessons",
    "migrate": "--migrate",
    "mode": "--mode",
    "restart": "--restart",
}


def run_settings(words: Mapping[str, Any]) -> RunSettings:
    """Return the settings that ``words`` (the tree of ``RunSettings``) ask for.

    Without any limit the budget is ``DEFAULT_EVALUATIONS``; without workers there is one a core.

    Raises:
        SpeciateError: a value that cannot be, or options that do not go together. A value is never repeated
            in the message where it might be a key.
    """
    tree = dict(words)
    if not any(tree["budget"].values()):
        tree["budget"] = {"evaluations": DEFAULT_EVALUATIONS}
    tree["workers"] = tree["workers"] or len(os.sched_getaffinity(0))
    if tree["models"] and tree["proposer"] in (*FIXED_GRAMMAR, EXTERNAL):
        raise SpeciateError(f"a model goes with --proposer llm, got --proposer {tree['proposer']}")
    if tree["proposer"] == "llm" and not tree["models"]:
        raise SpeciateError("--proposer llm needs a model: give --model NAME or --models FILE")
    mode = tree.get("mode", "evolve")
    if mode != "evolve" and tree["proposer"] != "llm":
        told = "goes with --proposer llm" if tree["models"] else "needs a model: give --model NAME or --models FILE"
        raise SpeciateError(f"--mode {mode} {told}")
    others = [OPTION_OF[name] for name, limit in tree["budget"].items() if limit and name != "evaluations"]
    if tree["proposer"] == EXTERNAL and others:
        raise SpeciateError(f"--proposer external is limited by its evaluations: expected --evals, got {others[0]}")
    try:
        return RunSettings.model_validate(tree)
    except ValidationError as error:
        raise SpeciateError(in_a_sentence(error)) from None


def in_a_sentence(error: ValidationError) -> str:
    """Return the first complaint, by the option that it is about; the value is not repeated."""
    first = error.errors(include_input=False)[0]
    field = str(first["loc"][-1]) if first["loc"] else "--model"
    return f"{OPTION_OF.get(field, field)}: {first['msg']}"


def archive_settings(word: str) -> dict[str, Any]:
    """Return the settings of the archive that ``--archive`` names. Raises SpeciateError."""
    kind, colon, niches = word.partition(":")
    if kind == "grid" and not colon:
        return {"kind": "grid"}
    if kind != "cvt" or (colon and not (niches.isascii() and niches.isdigit())):
        raise SpeciateError(f"--archive: expected grid, cvt or cvt:N with N niches, got {word!r}")
    return {"kind": "cvt", "niches": int(niches)} if colon else {"kind": "cvt"}


def control_arms(words: Sequence[str] | None, evaluations: int | None) -> tuple[Arm, ...]:
    """Return the control arms that ``words`` name.

    Raises:
        SpeciateError: there is no such arm, or a budget of arms that were not asked for.
    """
    named = words or ()
    for word in named:
        if word not in ARMS:
            raise SpeciateError(f"--control: expected one of {', '.join(ARMS)}, got {word!r}")
    if evaluations is not None and not named:
        raise SpeciateError("--control-evals: expected a control arm to give them to, as in --control random")
    return tuple(arm for arm in ARMS if arm in named)
