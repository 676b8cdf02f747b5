"""The inventor: the loop, the proposers, and the archive that holds everything a run wrote."""

from ._archive import GIVEN, Archive, create_run, open_archive
from ._cache import ArchiveCache
from ._client import ModelError
from ._digest import Parting, archive_digest
from ._events import Committed, Event, Finished, Improved, Issued, Judged
from ._external import EXTERNAL, Asked, External, Told
from ._genetic import GeneticProposer
from ._grid import Grid
from ._history import Past, Spent
from ._judging import BudgetGate, Judge
from ._laboratory import EXPERIMENT, Finding, Laboratory
from ._lessons import Book, Lesson
from ._llm import LLMProposer
from ._loop import SearchOutcome, search
from ._prices import Price, PriceTable, priced, shipped_prices
from ._proposer import ArchiveView, Draw, Elite, Parent, Proposal, Proposer, Reasons, Task
from ._proposers import FIXED_GRAMMAR, ProposerFactory, open_proposer, proposer_names, require_proposer
from ._random import RandomProposer
from ._records import (
    NO_CANDIDATE,
    CandidateRecord,
    EliteRecord,
    EvaluationRecord,
    InsertionRecord,
    OpeningRecord,
    OperatorRecord,
    ProgressPoint,
    RunRecord,
    TicketRecord,
)
from ._replaying import Replayed, replay
from ._settings import Budget, IslandSettings, Memory, ModelSettings, RunSettings, Tessellating
from ._tessellation import Tessellation, bins_of, cell_of, tessellation_of
from ._usage import ModelUsage, UsageSummary, usage_summary

__all__ = [
    "EXPERIMENT",
    "EXTERNAL",
    "FIXED_GRAMMAR",
    "GIVEN",
    "NO_CANDIDATE",
    "Archive",
    "ArchiveCache",
    "ArchiveView",
    "Asked",
    "Book",
    "Budget",
    "BudgetGate",
    "CandidateRecord",
    "Committed",
    "Draw",
    "Elite",
    "EliteRecord",
    "EvaluationRecord",
    "Event",
    "External",
    "Finding",
    "Finished",
    "GeneticProposer",
    "Grid",
    "Improved",
    "InsertionRecord",
    "IslandSettings",
    "Issued",
    "Judge",
    "Judged",
    "LLMProposer",
    "Laboratory",
    "Lesson",
    "Memory",
    "ModelError",
    "ModelSettings",
    "ModelUsage",
    "OpeningRecord",
    "OperatorRecord",
    "Parent",
    "Parting",
    "Past",
    "Price",
    "PriceTable",
    "ProgressPoint",
    "Proposal",
    "Proposer",
    "ProposerFactory",
    "RandomProposer",
    "Reasons",
    "Replayed",
    "RunRecord",
    "RunSettings",
    "SearchOutcome",
    "Spent",
    "Task",
    "Tessellating",
    "Tessellation",
    "TicketRecord",
    "Told",
    "UsageSummary",
    "archive_digest",
    "bins_of",
    "cell_of",
    "create_run",
    "open_archive",
    "open_proposer",
    "priced",
    "proposer_names",
    "replay",
    "require_proposer",
    "search",
    "shipped_prices",
    "tessellation_of",
    "usage_summary",
]
