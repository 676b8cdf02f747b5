"""Control arms: the same search with less, so that what a search gained can be told from what chance gains."""

from typing import get_args

from speciate.agent import EXTERNAL, Archive, RunRecord, RunSettings
from speciate.evaluators import SpeciateError

from ._options import Arm

ARMS: tuple[Arm, ...] = get_args(Arm)
"""``random``: no selection at all. ``best-of-n``: the run's own proposer, always on the starting designs.
``no-archive``: the run's own proposer, always on the best design so far (hill climbing)."""


def arm_settings(settings: RunSettings, arm: Arm, evaluations: int | None) -> RunSettings:
    """Return the settings of a control arm of a run with ``settings``: the same seed, window and budget.

    With ``evaluations`` the arm has that many instead, and no limit of minutes. An arm without models needs
    neither dollars nor tokens; an arm that asks them has the run's own limits of both, for itself.

    Raises:
        SpeciateError: the run's proposer never looks at the archive, so the arm would be the run itself; or it
            is external, so that the arm would need an inventor of its own.
    """
    if settings.proposer == EXTERNAL and arm != "random":
        raise SpeciateError(f"--control {arm} asks the run's own inventor; expected random with --proposer external")
    if settings.proposer == "random":
        raise SpeciateError(f"--control {arm}: expected a run that learns, got --proposer random, its own control")
    changes: dict[str, object] = {}
    if evaluations is not None:
        changes = {"evaluations": evaluations, "minutes": None}
    if arm == "random":
        budget = settings.budget.model_copy(update=changes | {"usd": None, "tokens": None})
        if not any(budget.model_dump().values()):
            raise SpeciateError("--control random: expected a limit it can keep: give --control-evals N")
        chance = {"proposer": "random", "models": (), "mode": "evolve", "lessons": "off"}
        return settings.model_copy(update={**chance, "budget": budget})
    budget = settings.budget.model_copy(update=changes)
    less = {"memory": "start" if arm == "best-of-n" else "best", "lessons": "off"}
    return settings.model_copy(update={**less, "budget": budget})


def arm_of(settings: RunSettings) -> Arm:
    """Return which control arm has these settings."""
    if settings.proposer == "random":
        return "random"
    return "best-of-n" if settings.memory == "start" else "no-archive"


def controls_of(archive: Archive, run_id: str) -> list[RunRecord]:
    """Return the run's control arms in the order of ``ARMS``; of several of one kind the newest."""
    arms = {arm_of(run.settings): run for run in archive.runs() if run.control_of == run_id}
    return [arms[arm] for arm in ARMS if arm in arms]


def charge_words(settings: RunSettings) -> str | None:
    """Return what a control arm that asks models may cost beside its run; None for one that costs nothing."""
    if not settings.models:
        return None
    budget = settings.budget
    limits = [
        *([f"{budget.usd:g} USD"] if budget.usd is not None else []),
        *([f"{budget.tokens:,} tokens"] if budget.tokens is not None else []),
        *([f"{budget.evaluations} evaluations"] if budget.evaluations is not None else []),
        *([f"{budget.minutes:g} minutes"] if budget.minutes is not None else []),
    ]
    unlimited = "" if budget.usd is not None or budget.tokens is not None else "; no limit of dollars or tokens"
    return f"asks the models too, beside the run's own budget: up to {', '.join(limits)}{unlimited}"
