"""One candidate's life as a LangGraph graph: brief, write (and screen), judge, repair, reflect, archive.

There is no checkpointer: rows are the truth. ``brief`` looks at what the ticket has already written and
enters at the first missing row, so a life may be cut off anywhere and lived again; a ticket that was drawn just
now has no rows and enters at ``write``. A node costs a third of a millisecond. Importing this module
imports langgraph, which costs about a second; the loop does so when a search starts.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from speciate.evaluators import Candidate, Evaluation, EvaluationCache, Status

from ._archive import Archive
from ._flight import Flight
from ._judging import Judge
from ._proposer import Proposal, Proposer, Reflector, Task
from ._records import NO_CANDIDATE, CandidateRecord, TicketRecord

_REPAIRABLE = frozenset(
    (
        Status.INVALID,
        Status.INCORRECT,
        Status.CRASHED,
        Status.TIMEOUT,
        Status.OOM,
        Status.OUTPUT_LIMIT,
        Status.PROTOCOL,
    )
)


class State(TypedDict):
    """What the nodes hand on: plain values only; everything else is in rows."""

    turn: int
    """Last turn that has a candidate row, -1 before the first."""
    judged: int
    """Last turn that has an evaluation row, -1 before the first."""
    status: str | None
    """Of that evaluation."""
    note: str
    """The author's idea, or why there is no candidate."""
    outcome: str | None


@dataclass(frozen=True)
class Life:
    """What one life depends on."""

    archive: Archive
    run_id: str
    ticket: TicketRecord
    proposer: Proposer
    judge: Judge
    cache: EvaluationCache
    repairs: int
    """How many times this candidate may be mended."""
    task: Callable[[], Task]
    """Loads the task with its parents; called only where the proposer is needed."""
    flight: Flight
    """What the other open tickets write."""
    judged: Callable[[int, Evaluation], None]
    """Told of each new evaluation, with its turn."""
    commit: Callable[[str, str, Evaluation | None], Awaitable[None]]
    """Takes outcome, note and the deciding evaluation; waits for the ticket's turn and commits it."""
    fresh: bool = False
    """Whether the ticket was drawn in this sitting, so that it cannot have written anything yet."""

    written: list[CandidateRecord] = field(default_factory=list)
    """By turn, as in the rows."""
    words: dict[int, Evaluation] = field(default_factory=dict)
    """By turn, as in the rows."""

    def load(self) -> None:
        """Read what this ticket has already written."""
        self.written.extend(self.archive.candidates_of(self.run_id, self.ticket.number))
        for record in self.written:
            judged = self.archive.evaluation_of(self.run_id, self.ticket.number, record.turn)
            if judged is not None:
                self.words[record.turn] = judged.evaluation

    def store_word(self, turn: int, evaluation: Evaluation) -> None:
        """Write an evaluation's row and tell of it."""
        self.archive.store_evaluation(self.run_id, evaluation, "search", self.ticket.number, turn)
        self.words[turn] = evaluation
        if turn == 0:
            self.flight.judged(self.ticket.number)
        self.judged(turn, evaluation)

    def store(self, turn: int, candidate: Candidate, proposal: Proposal) -> None:
        """Write a candidate's row, signed with where it came from."""
        signed = candidate.model_copy(
            update={
                "operator": self.ticket.draw.operator,
                "proposer": self.ticket.proposer,
                "parents": tuple(parent.candidate.id for parent in self.task().parents),
            }
        )
        # A mended design is the same one: its reasons are still those it was written for.
        reasons = proposal.reasons if turn == 0 or any(proposal.reasons) else self.written[turn - 1].reasons
        self.archive.store_candidate(self.run_id, self.ticket.number, turn, signed, proposal.idea, reasons)
        self.written.append(CandidateRecord(self.ticket.number, turn, signed, proposal.idea, reasons))


async def live(life: Life) -> None:
    """Live one candidate's life to its commit, from whichever row is the first missing."""
    start: State = {"turn": -1, "judged": -1, "status": None, "note": "", "outcome": None}
    await _graph().ainvoke(start, context=life)


def untraced() -> None:
    """Keep langgraph to itself: a tracing variable set for something else must not ship candidates to a third party."""
    os.environ["LANGSMITH_TRACING"] = "false"
    os.environ["LANGCHAIN_TRACING_V2"] = "false"


@lru_cache(maxsize=1)
def _graph() -> CompiledStateGraph[State, Life, State, State]:
    untraced()
    graph = StateGraph(State, context_schema=Life)
    for name, node in (
        ("brief", _brief),
        ("write", _write),
        ("judge", _judge),
        ("repair", _repair),
        ("reflect", _reflect),
        ("archive", _archive),
    ):
        graph.add_node(name, node)
    graph.add_conditional_edges(START, _entry, ["brief", "write"])
    graph.add_conditional_edges("brief", _after_brief, ["write", "judge", "repair", "reflect"])
    graph.add_conditional_edges("write", _after_writing, ["judge", "reflect"])
    graph.add_conditional_edges("judge", _after_judging, ["repair", "reflect"])
    graph.add_conditional_edges("repair", _after_writing, ["judge", "reflect"])
    graph.add_edge("reflect", "archive")
    graph.add_edge("archive", END)
    return graph.compile()


async def _entry(state: State, runtime: Runtime[Life]) -> Literal["brief", "write"]:
    return "write" if runtime.context.fresh else "brief"


async def _brief(state: State, runtime: Runtime[Life]) -> dict[str, object]:
    """Find how far this ticket had come."""
    life = runtime.context
    life.load()
    if life.written:
        life.flight.wrote(life.ticket.number)
    judged = max(life.words, default=-1)
    status = life.words[judged].status.value if life.words else None
    return {"turn": len(life.written) - 1, "judged": judged, "status": status}


async def _after_brief(state: State, runtime: Runtime[Life]) -> Literal["write", "judge", "repair", "reflect"]:
    if state["turn"] < 0:
        return "write"
    written = state["turn"] > state["judged"]
    return await _after_writing(state, runtime) if written else await _after_judging(state, runtime)


async def _write(state: State, runtime: Runtime[Life]) -> dict[str, object]:
    life = runtime.context
    proposal = await life.proposer.write(life.task())
    if proposal.candidate is not None:
        life.store(0, proposal.candidate, proposal)
    life.flight.wrote(life.ticket.number)
    if proposal.candidate is None:
        return {"outcome": NO_CANDIDATE, "note": proposal.note or "the proposer gave no candidate"}
    return {"turn": 0}


async def _after_writing(state: State, runtime: Runtime[Life]) -> Literal["judge", "reflect"]:
    """Screen what was written: a repair that changed nothing is not judged, its evaluation is already known."""
    written, turn = runtime.context.written, state["turn"]
    if turn <= state["judged"] or written[turn].candidate.id in {each.candidate.id for each in written[:turn]}:
        return "reflect"
    return "judge"


async def _judge(state: State, runtime: Runtime[Life]) -> dict[str, object]:
    life, turn = runtime.context, state["turn"]
    candidate = life.written[turn].candidate
    evaluation = await life.flight.known(life.ticket, candidate) or await life.judge(candidate, life.cache)
    life.store_word(turn, evaluation)
    return {"judged": turn, "status": evaluation.status.value}


async def _after_judging(state: State, runtime: Runtime[Life]) -> Literal["repair", "reflect"]:
    life = runtime.context
    mendable = state["status"] in _REPAIRABLE and life.ticket.proposer == life.proposer.name
    return "repair" if mendable and state["turn"] < life.repairs else "reflect"


async def _repair(state: State, runtime: Runtime[Life]) -> dict[str, object]:
    life, turn = runtime.context, state["turn"]
    failed = life.written[turn].candidate
    proposal = await life.proposer.repair(life.task(), turn + 1, failed, life.words[turn])
    if proposal is None or proposal.candidate is None:
        return {"note": proposal.note if proposal else ""}
    life.store(turn + 1, proposal.candidate, proposal)
    return {"turn": turn + 1}


async def _reflect(state: State, runtime: Runtime[Life]) -> dict[str, object]:
    """Have the author look back, and put into words what became of the ticket."""
    life = runtime.context
    if isinstance(life.proposer, Reflector) and life.ticket.proposer == life.proposer.name:
        await life.proposer.reflect(life.task())
    if state["judged"] < 0:
        return {}
    idea, detail = life.written[state["judged"]].idea, life.words[state["judged"]].detail
    note = "\n".join(part for part in (idea, state["note"], detail) if part)
    return {"outcome": state["status"], "note": note}


async def _archive(state: State, runtime: Runtime[Life]) -> dict[str, object]:
    life, outcome = runtime.context, state["outcome"]
    if outcome is None:
        raise LookupError(f"run {life.run_id}, ticket {life.ticket.number}: nothing to commit")
    await life.commit(outcome, state["note"], life.words.get(state["judged"]))
    return {}
