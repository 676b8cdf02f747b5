"""What a researcher is told: the opening of a conversation, and how replies and answers are put into it.

A conversation is bounded: the older exchanges are shortened where it grows too long, the tools can always be asked
again.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from speciate.evaluators import Problem

from .._prompts import Known, clipped, task_messages, template
from .._proposer import Task
from .._replies import RawReply, said
from ._calls import CALLS_A_REPLY, Call
from ._study import Study
from ._tools import described

Message = dict[str, Any]

HISTORY_CHARACTERS = 80_000
"""Of all that comes after the opening."""
REPLY_CHARACTERS = 12_000
ANSWER_CHARACTERS = 24_000
SHORT_CHARACTERS = 600
"""Of each text in an exchange that is shortened."""
FULL = 2
"""Latest exchanges that are never shortened."""
NO_CALL = (
    "error: your reply asks for no tool; go on with one, hand in your draft with `submit`, or end with `give_up`"
)
LEFT_OUT = "[left out to save room; ask again for what you need]"
_QUOTED = re.compile(r"^BEGIN DATA (\w+)$.*?^END DATA \1$", re.MULTILINE | re.DOTALL)
CUT_OFF = "Your reply was cut off at the token limit: write more briefly."


def opening(problem: Problem[Any], task: Task, study: Study, known: Known, replies: int) -> list[Message]:
    """Return how the conversation of a ticket begins; ``replies`` is how many its model may give."""
    system, user = task_messages(problem, "research", study.program, task.parents, known)
    asked = template("research_tools").substitute(
        parent=f"ticket {task.parents[0].ticket}" if task.parents else "the problem's seed",
        replies=replies,
        experiments=study.laboratory.left,
        workloads=", ".join(f"`{name}`" for name in study.laboratory.workloads),
        calls=CALLS_A_REPLY,
        tools=described(),
    )
    return [dict(system), {**user, "content": f"{user['content']}\n\n{asked}"}]


def exchange(reply: RawReply, calls: Sequence[Call], answers: Sequence[str], left: str) -> list[Message]:
    """Return a reply and the answers of its tools, as they are put into the conversation.

    Args:
        reply: as received.
        calls: the tools it asks for.
        answers: of these, in order; alone where there is no call.
        left: how much is left, told after the last answer.
    """
    text = clipped(said(reply), REPLY_CHARACTERS)
    told = [clipped(answer, ANSWER_CHARACTERS).encode(errors="replace").decode() for answer in answers]
    told[-1] += f"\n\n{left}"
    if calls and calls[0].id is not None:
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": each} for call, each in zip(calls, told, strict=True)
        ]
        return [{"role": "assistant", "content": text, "tool_calls": [_echoed(call) for call in calls]}, *results]
    if calls:
        told = [f"{call.name or 'tool'}: {each}" for call, each in zip(calls, told, strict=True)]
    return [_said("assistant", text or "(empty)"), _said("user", "\n\n---\n\n".join(told))]


def fitted(exchanges: Sequence[Sequence[Message]]) -> Iterator[Message]:
    """Yield the messages of a conversation after its opening, the oldest shortened where they are too many."""
    sizes = [sum(len(json.dumps(message)) for message in each) for each in exchanges]
    excess = sum(sizes) - HISTORY_CHARACTERS
    for place, each in enumerate(exchanges):
        short = [_shortened(message) for message in each]
        if excess > 0 and place < len(exchanges) - FULL:
            excess -= sizes[place] - sum(len(json.dumps(message)) for message in short)
            yield from short
        else:
            yield from each


def _echoed(call: Call) -> Message:
    """Return a call as the API wants to hear it again: servers refuse names and arguments that are none."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call.name) or "unknown"
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": json.dumps(call.arguments)}}


def _shortened(message: Message) -> Message:
    told = {**message, "content": _cut(message["content"])}
    if "tool_calls" in message:
        told["tool_calls"] = [{**call, "function": _cut_call(call["function"])} for call in message["tool_calls"]]
    return told


def _cut_call(function: Mapping[str, str]) -> dict[str, str]:
    arguments = {
        name: _cut(value) if isinstance(value, str) else value
        for name, value in json.loads(function["arguments"]).items()
    }
    return {"name": function["name"], "arguments": json.dumps(arguments)}


def _cut(text: str) -> str:
    """Return a text without what it quotes, and not longer than a few lines: no quotation is left open."""
    told = _QUOTED.sub(LEFT_OUT, text)
    return told if len(told) <= SHORT_CHARACTERS else f"{told[:SHORT_CHARACTERS]} {LEFT_OUT}"


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}
