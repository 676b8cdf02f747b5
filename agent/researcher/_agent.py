"""The researcher: a LangGraph agent that asks a model and does what is asked of its tools, until it hands in.

There is no checkpointer: the conversation of a ticket is its rows. To enter it again is to go through them with the
same code: replies are read again, the archive is looked at as of the ticket's own commit, and experiments have rows.
So nothing is asked or measured twice, whenever a process was killed. Importing this module imports langgraph.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from .._client import ModelClient
from .._conversation import Conversation, Heard, Manner, Walk
from .._life import untraced
from .._proposer import Proposal
from ._calls import CALLS_A_REPLY, calls_of, prose_of
from ._messages import CUT_OFF, NO_CALL, Message, exchange, fitted
from ._study import Study
from ._tools import tool_of

CALLS_ANSWERED = 20
"""Calls of one reply that are heard at all; the first few of them are done."""
DONE, MISSED = "tools", "no_tool"
"""What a reply came to: whether it asked for a tool that there is."""


class State(TypedDict):
    """What the nodes hand on."""

    replies: int
    """Heard so far."""
    over: str | None
    """Why no more are asked for."""


@dataclass
class Research:
    """What one ticket's research depends on, and what was said in it."""

    conversation: Conversation
    client: ModelClient
    walk: Walk
    manner: Manner
    opening: Sequence[Message]
    study: Study
    replies: int
    """How many there may be."""
    said: list[list[Message]] = field(default_factory=list)
    """A reply and its answers, each."""
    heard: Heard | None = None
    """The last reply."""

    def left(self, replies: int) -> str:
        """Return in words what is left after so many replies."""
        left = self.replies - replies
        if left == 0:
            return "That was your last reply."
        told = f"{left} replies" if left > 1 else "One reply"
        last = "" if left > 1 else " Hand in your draft with `submit`, or end with `give_up`."
        return f"{told} and {self.study.laboratory.left} experiments are left.{last}"


async def researched(research: Research) -> Proposal:
    """Go through a ticket's research, from its first row or as far as its rows go, to its end."""
    start: State = {"replies": 0, "over": None}
    ended = await _graph().ainvoke(start, context=research)
    return research.study.proposal(ended["over"] or "")


@lru_cache(maxsize=1)
def _graph() -> CompiledStateGraph[State, Research, State, State]:
    untraced()
    graph = StateGraph(State, context_schema=Research)
    graph.add_node("ask", _ask)
    graph.add_node("act", _act)
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", _after_asking, ["act", END])
    graph.add_conditional_edges("act", _after_acting, ["ask", END])
    return graph.compile()


async def _ask(state: State, runtime: Runtime[Research]) -> dict[str, object]:
    """Have the model say what it wants to do next."""
    it = runtime.context
    messages = [*it.opening, *fitted(it.said)]
    heard = await it.conversation.completion(it.walk, it.client, messages, it.manner)
    if isinstance(heard, str):
        return {"over": heard}
    it.heard = heard
    return {"replies": state["replies"] + 1}


async def _after_asking(state: State, runtime: Runtime[Research]) -> Literal["act", "__end__"]:
    return "act" if state["over"] is None else "__end__"


async def _act(state: State, runtime: Runtime[Research]) -> dict[str, object]:
    """Do what the reply asks for, in its order."""
    it = runtime.context
    assert it.heard is not None
    reply = it.heard.reply
    calls, prose = calls_of(reply)[:CALLS_ANSWERED], prose_of(reply)
    known = any(not isinstance(tool_of(call), str) for call in calls)
    it.conversation.read(it.heard, DONE if known else MISSED)
    answers = [await it.study.use(call, prose) for call in calls[:CALLS_A_REPLY]]
    answers += [f"error: not done: at most {CALLS_A_REPLY} calls in a reply"] * (len(calls) - len(answers))
    answers = answers or [NO_CALL]
    if reply.finish_reason == "length":
        answers[-1] += f"\n\n{CUT_OFF}"
    it.said.append(exchange(reply, calls, answers, it.left(state["replies"])))
    used_up = state["replies"] >= it.replies
    return {"over": f"its {it.replies} replies were used up" if used_up else None}


async def _after_acting(state: State, runtime: Runtime[Research]) -> Literal["ask", "__end__"]:
    return "ask" if state["over"] is None and runtime.context.study.ended is None else "__end__"
