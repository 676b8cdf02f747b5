"""What a model makes of a run's last outcomes: the request, and the lessons in the reply.

The reply is untrusted like any: a few short lines of it are kept, as text that is quoted to later authors.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from itertools import islice
from typing import Any

from speciate.evaluators import Candidate, Problem
from sqlalchemy import func, select

from ._database import Database
from ._lessons import TEXT_CHARACTERS, Book, alike, lines
from ._outcomes import Outcome
from ._prompts import BRIEF_CHARACTERS, LESSONS_CHARACTERS, Message, brief_of, clipped, quoted, system_message, template
from ._proposer import Task
from ._replies import Parsed, RawReply, said
from ._statements import REPLIES, REQUESTS, TICKETS

TURN = 1000
"""Of the request rows: beyond any turn of a candidate."""
MOST_WORDS = 5
"""Lessons of one reflection."""
SHOWN = 5
"""Outcomes of each sort (gains, losses, faults) that a reflection is shown."""
OUTCOME_CHARACTERS = 1_600
_DIFFED = 16_000
"""Characters of a program that are looked at for differences: comparing lines takes more than linear time."""
_SHORTEST = 12
_BULLET = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,2}[.)])\s+(.*)$")


def is_due(database: Database, run_id: str, task: Task, proposer: str, every: int) -> bool:
    """Return whether a ticket is the first that its proposer was given after a look back."""
    if not task.visible or task.visible % every:
        return False
    drawn = select(func.min(TICKETS.c.number)).where(
        TICKETS.c.run_id == run_id, TICKETS.c.visible == task.visible, TICKETS.c.proposer == proposer
    )
    with database.read() as connection:
        return connection.execute(drawn).scalar() == task.ticket


def telling(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that teach the most, in order of their tickets."""
    compared = sorted((-each.gain, each.ticket, each) for each in outcomes if each.gain)
    gains = [each for loss, _, each in compared if loss < 0][:SHOWN]
    losses = [each for loss, _, each in reversed(compared) if loss > 0][:SHOWN]
    faults = [each for each in outcomes if each.detail and each.after is None][-SHOWN:]
    return sorted([*gains, *losses, *faults], key=lambda each: each.ticket)


def reflection_messages(problem: Problem[Any], outcomes: Sequence[Outcome], book: Book) -> list[Message]:
    """Return the request for lessons.

    Args:
        problem: gives the brief and the objective.
        outcomes: those to learn from, of ``telling``.
        book: what is known already.
    """
    objective = problem.objective
    sign = 1.0 if objective.direction == "minimize" else -1.0
    known = lines(book, book.shown())
    content = template("reflect").substitute(
        brief=clipped(brief_of(problem), BRIEF_CHARACTERS),
        objective=f"`{objective.name}` in {objective.unit}",
        direction="lower is better" if objective.direction == "minimize" else "higher is better",
        outcomes="\n\n".join(_told(outcome, sign) for outcome in outcomes),
        lessons=quoted(known, LESSONS_CHARACTERS) if known else "Nothing yet.",
        most=MOST_WORDS,
        characters=TEXT_CHARACTERS - 50,
    )
    return [system_message(problem), {"role": "user", "content": content}]


def parse_reflection(reply: RawReply) -> Parsed:
    """Return the lessons of a reply, a line each, in ``idea``."""
    text = said(reply)
    # What was cut off at the token limit ends within a line.
    whole = text.rpartition("\n")[0] if reply.finish_reason == "length" else text
    found: list[str] = []
    for bullet in filter(None, map(_BULLET.match, whole.split("\n"))):
        found += [word for word in words_of(bullet[1]) if not any(alike(word, other) for other in found)]
    if not found:
        return Parsed("no_lessons", reason="no line of the reply is a lesson")
    return Parsed("lessons", idea="\n".join(found[:MOST_WORDS]))


def words_of(text: str) -> tuple[str, ...]:
    """Return what one author says as a lesson of one short line; none where it says hardly anything."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    word = " ".join(plain.split())
    return (word[:TEXT_CHARACTERS],) if len(word) >= _SHORTEST else ()


def written_in(database: Database, run_id: str, first: int, last: int) -> Mapping[int, Sequence[str]]:
    """Return the lessons in the recorded reflections of the tickets from ``first`` to ``last``, by ticket."""
    query = (
        select(REQUESTS.c.ticket, REPLIES.c.text, REPLIES.c.finish_reason)
        .join(REPLIES, REPLIES.c.request_id == REQUESTS.c.id)
        .where(REQUESTS.c.run_id == run_id, REQUESTS.c.ticket >= first, REQUESTS.c.ticket <= last)
        .where(REQUESTS.c.turn == TURN, REQUESTS.c.state == "replied")
        .order_by(REQUESTS.c.ticket, REQUESTS.c.attempt)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    parsed = {row.ticket: parse_reflection(RawReply(row.text, row.finish_reason)) for row in rows}
    return {ticket: each.idea.split("\n") for ticket, each in parsed.items() if each.outcome == "lessons"}


def _told(outcome: Outcome, sign: float) -> str:
    """Return one outcome: our words on it, then all that is not ours, quoted."""
    if outcome.before is not None and outcome.after is not None and outcome.gain is not None:
        better = f"{abs(100 * outcome.gain):.3g} % {'better' if outcome.gain > 0 else 'worse'}"
        what = f"score {sign * outcome.before:.6g} became {sign * outcome.after:.6g}, {better}"
    else:
        what = f"`{outcome.outcome}`"
    told = [f"author: {outcome.idea}"] if outcome.idea else []
    told += [f"judge: {clipped(outcome.detail, OUTCOME_CHARACTERS // 4)}"] if outcome.detail else []
    if outcome.child is not None and outcome.parent is not None:
        told += islice(_difference(outcome.parent, outcome.child), OUTCOME_CHARACTERS)
    return f"Ticket {outcome.ticket}: {what}.\n{quoted(chr(10).join(told), OUTCOME_CHARACTERS)}"


def _difference(parent: Candidate, child: Candidate) -> Iterator[str]:
    """Yield the lines that set two programs apart, each with its sign."""
    texts = {file.path: file.text for file in parent.files}
    for file in child.files:
        old, new = (text[:_DIFFED].split("\n") for text in (texts.get(file.path, ""), file.text))
        if old != new:
            yield from islice(unified_diff(old, new, n=1, lineterm=""), 2, None)
