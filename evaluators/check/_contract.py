"""Is the problem what the contract asks for? Only read, nothing is judged."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from .._contract import Split, Workload
from .._problem import Problem
from ..kinds import evaluator_of
from ._finding import Finding, Note, concluded, counted, fail, warn

SPLITS: tuple[Split, ...] = ("train", "validation", "heldout")
SHORT_BRIEF = 80
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def check_contract(problem: Problem[Any]) -> Finding:
    """Check names, objective, descriptors, brief, and that the seed and the baselines pass the screen."""
    notes = [*_names(problem), *_descriptors(problem), *_brief(problem), *_screened(problem)]
    axes = counted(len(problem.descriptors), "descriptor")
    figure = f"{problem.kind} problem {problem.name}, version {problem.version}, {axes}"
    return concluded("contract", figure, notes)


def check_splits(problem: Problem[Any]) -> Finding:
    """Check that the three splits are there, stay the same when asked again, and share no name and no seed."""
    splits: dict[Split, Sequence[Workload]] = {split: problem.workloads(split) for split in SPLITS}
    figure = ", ".join(f"{split} {len(found)}" for split, found in splits.items()) + " workloads"
    notes = [
        fail(f"split {split} has no workloads", "give workloads for all three splits, with seeds of their own")
        for split, found in splits.items()
        if not found
    ]
    if not notes:
        notes = [*_each(problem, splits), *_apart(splits)]
    return concluded("splits", figure, notes)


def _names(problem: Problem[Any]) -> list[Note]:
    notes = []
    if not _KEBAB.fullmatch(problem.name):
        notes.append(fail(f"name {problem.name!r} is not kebab-case", "use lower-case words joined by '-'"))
    if not problem.title.strip() or not problem.objective.name.strip():
        notes.append(fail("the title or the objective's name is empty", "say in words what is invented and optimised"))
    objectives = [problem.objective.name, *(each.name for each in problem.objectives)]
    if len(set(objectives)) != len(objectives):
        notes.append(fail("two objectives have one name", "name each further objective for the metric that it is"))
    if not problem.objective.unit.strip():
        notes.append(warn("the objective has no unit", "give one (s, bytes, share, x lower bound)"))
    return notes


def _descriptors(problem: Problem[Any]) -> list[Note]:
    notes = []
    names = [axis.name for axis in problem.descriptors]
    if not names:
        notes.append(
            warn("there are no descriptors, so the archive keeps one design", "measure at least one behaviour")
        )
    if len(set(names)) != len(names):
        notes.append(fail("two descriptors have one name", "name each axis for what it measures"))
    for axis in problem.descriptors:
        if not (math.isfinite(axis.low) and math.isfinite(axis.high) and axis.low < axis.high):
            notes.append(
                fail(
                    f"descriptor {axis.name}: finite low < high must hold, got [{axis.low}, {axis.high}]",
                    "give the range in which designs really fall",
                )
            )
    return notes


def _brief(problem: Problem[Any]) -> list[Note]:
    brief = problem.brief().strip()
    if not brief:
        return [fail("the brief is empty", "write brief.md beside the problem: what is decided, seen and optimised")]
    if len(brief) < SHORT_BRIEF:
        return [
            warn(f"the brief has {len(brief)} characters", "say what is decided, seen and optimised, and what is known")
        ]
    return []


def _screened(problem: Problem[Any]) -> list[Note]:
    """Return what is wrong with the texts of the seed and the baselines."""
    evaluator = evaluator_of(problem.kind)
    designs = [("the seed", problem.seed())]
    designs += [(f"baseline {baseline.name}", baseline.candidate) for baseline in problem.baselines()]
    names = [name for name, _ in designs]
    notes = []
    for name, candidate in designs:
        fault = evaluator.screen(problem, candidate)
        if fault is not None:
            notes.append(fail(f"{name} is {fault.status}: {fault.detail}", "mend it; see the interface in the brief"))
    if len(set(names)) != len(names):
        notes.append(fail("two baselines have one name", "give each a name of its own"))
    return notes


def _each(problem: Problem[Any], splits: dict[Split, Sequence[Workload]]) -> list[Note]:
    notes = []
    for split, found in splits.items():
        if list(problem.workloads(split)) != list(found):
            notes.append(fail(f"{split}: asked twice, the workloads differ", "make workloads(split) a constant"))
        wrong = [workload.name for workload in found if workload.split != split]
        if wrong:
            notes.append(fail(f"{wrong[0]} says another split than {split}", "pass split on to each Workload"))
        if not _is_json(found):
            notes.append(fail(f"{split}: params are not plain finite JSON", "use finite numbers, text and booleans"))
    names = [workload.name for found in splits.values() for workload in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        notes.append(
            fail(
                f"{counted(len(twice), 'workload name')} appear twice, such as {twice[0]}", "begin each with its split"
            )
        )
    return notes


def _is_json(workloads: Sequence[Workload]) -> bool:
    try:
        json.dumps([workload.params for workload in workloads], allow_nan=False)
    except ValueError:
        return False
    return True


def _apart(splits: dict[Split, Sequence[Workload]]) -> list[Note]:
    """Return where a split could be known from another."""
    seeds = {split: {workload.seed for workload in found} for split, found in splits.items()}
    notes = []
    for one, other in (("train", "heldout"), ("train", "validation"), ("validation", "heldout")):
        shared = sorted(seeds[one] & seeds[other])  # type: ignore[index]
        if shared:
            notes.append(
                fail(
                    f"{other} shares {counted(len(shared), 'seed')} with {one}, such as {shared[0]}",
                    "give each split seeds of its own: what was seen in the search proves nothing",
                )
            )
    kinds = {split: {json.dumps(w.params, sort_keys=True) for w in found} for split, found in splits.items()}
    if kinds["heldout"] <= kinds["train"]:
        notes.append(
            warn(
                "held-out workloads have the parameters of train, and differ in seed only",
                "vary a parameter too (load, size, skew), or a design fitted to these settings looks general",
            )
        )
    return notes
