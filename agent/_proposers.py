"""Proposers by name: those built in, and those of installed packages (entry-point group ``speciate.proposers``)."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from speciate.evaluators import Problem, SpeciateError, installed, load_installed

from ._archive import Archive
from ._external import EXTERNAL, ExternalProposer
from ._formula_genetic import FormulaProposer
from ._genetic import GeneticProposer
from ._llm import LLMProposer
from ._proposer import Proposer
from ._random import RandomProposer
from ._records import RunRecord
from ._settings import RunSettings
from ._source_genetic import SourceProposer, SourceRandom

GROUP = "speciate.proposers"

ProposerFactory = Callable[[Problem[Any], RunSettings], Proposer]
"""What an entry point names. A proposer that is an async context manager is entered, and left at the end."""

BUILT_IN = (EXTERNAL, "genetic", "llm", "random")
FIXED_GRAMMAR = frozenset({"genetic", "random"})
"""Proposers whose programs only recombine the problem's own, so that none of them means harm."""

_GENETIC: Mapping[str, ProposerFactory] = {"policy": GeneticProposer, "formula": FormulaProposer}


def proposer_names() -> list[str]:
    """Return the names that ``RunSettings.proposer`` may have here."""
    return [*BUILT_IN, *sorted(set(installed(GROUP)) - set(BUILT_IN))]


def require_proposer(name: str) -> None:
    """Raise SpeciateError where there is no proposer called ``name``."""
    if name not in proposer_names():
        raise SpeciateError(f"unknown proposer {name!r}; expected one of: {', '.join(proposer_names())}")


@asynccontextmanager
async def open_proposer(archive: Archive, run: RunRecord, problem: Problem[Any]) -> AsyncIterator[Proposer]:
    """Give the run's proposer, and end it afterwards. Raises SpeciateError for one that cannot be used."""
    name = run.settings.proposer
    require_proposer(name)
    if name == "llm":
        async with LLMProposer(problem, run.settings, archive.database, run.id) as proposer:
            yield proposer
    elif name == EXTERNAL:
        yield ExternalProposer()
    elif name == "random":
        yield RandomProposer(problem) if problem.kind == "policy" else SourceRandom(problem)
    elif name == "genetic":
        yield _GENETIC.get(problem.kind, SourceProposer)(problem, run.settings)
    else:
        factory = load_installed(GROUP, name)
        if not callable(factory):
            raise SpeciateError(f"proposer {name!r}: expected a function (problem, settings), got {factory!r}")
        found = factory(problem, run.settings)
        if isinstance(found, AbstractAsyncContextManager):
            async with found as proposer:
                yield proposer
        else:
            yield found
