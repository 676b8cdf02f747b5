"""Idea first: plans that an author names before it writes, and which of them a ticket writes.

A ticket of the operator ``idea`` either asks for ``PLANS`` plans and writes one of them, or writes a plan that an
earlier ticket asked for and nobody has taken yet. So one request for plans serves several tickets, their children
differ in mechanism, and no plan is paid for and left. Which plan a ticket writes is in its draw; what the plan says is
read from the reply's row of the ticket that asked.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ._history import Past
from ._prompts import PLANS
from ._proposer import ArchiveView, Draw
from ._replies import Asked, Parsed, RawReply, parse_reply, said
from ._requests import Place, RequestLog

IDEA = "idea"
TURN = -1
"""Of the request rows in which plans are asked for: before the writing of the design."""
TRIED = 8
"""Earlier plans that an author is told of."""
_REACH = 100
"""Commits after which plans that nobody took are given up."""
_LABEL_CHARACTERS = 80
_PLAN_CHARACTERS = 700
_PLAN = re.compile(r"^[\W\d]*plan\b[\s#]*\w{0,2}\W*?[:.)\-\u2013\u2014]\W*(?P<text>.+)$", re.IGNORECASE)

PlansOf = Callable[[int], Sequence[str]]
"""Returns the plans that a committed ticket asked for, each ``label: what changes``."""


class Ref(NamedTuple):
    """One plan: the ticket that asked for it, and which of its plans it is."""

    ticket: int
    number: int


class Plans:
    """What the tickets of a run were told when they asked for plans.

    Args:
        log: of the run's requests.
    """

    def __init__(self, log: RequestLog):
        self._log = log
        self._known: dict[int, tuple[str, ...]] = {}

    def of(self, ticket: int) -> tuple[str, ...]:
        """Return the plans that a committed ticket asked for; none where it asked for none or got none."""
        if ticket not in self._known:
            replies = [exchange.reply for exchange in self._log.history(Place(ticket, TURN, IDEA))]
            found = (plans_in(reply) for reply in replies if reply is not None)
            self._known[ticket] = next((plans for plans in found if plans), ())
        return self._known[ticket]


def plans_in(reply: RawReply) -> tuple[str, ...]:
    """Return the plans in a reply, each ``label: what changes``, without those that are named twice."""
    found: list[list[str]] = []
    within = False
    for line in said(reply).split("\n"):
        match = _PLAN.match(line)
        if line.lstrip().startswith(("```", "~~~")):
            break
        within = match is not None or (within and bool(line.strip()))
        if match:
            found.append([match["text"]])
        elif within:
            found[-1].append(line)
    plans: dict[str, str] = {}
    for words in found[:PLANS]:
        text = " ".join(" ".join(words).replace("**", "").split())[:_PLAN_CHARACTERS]
        plans.setdefault(label_of(text).casefold(), text)
    return tuple(plans.values())


def label_of(plan: str) -> str:
    """Return the few words that a plan is called by."""
    return re.split(r"[:.;\u2013\u2014]|\s-\s", plan, maxsplit=1)[0].strip()[:_LABEL_CHARACTERS]


def parse_plans(reply: RawReply, asked: Asked) -> Parsed:
    """Return the plans in a reply, in ``plans``; where it holds a design instead, that: it was paid for."""
    plans = plans_in(reply)
    if plans:
        return Parsed("plans", plans=plans, idea="; ".join(label_of(plan) for plan in plans))
    design = parse_reply(reply, asked)
    if design.files or reply.finish_reason == "length":
        return design
    return Parsed("no_plans", reason="the reply holds no line that begins with PLAN")


def open_plan(view: ArchiveView, plans_of: PlansOf) -> Ref | None:
    """Return the oldest plan that was asked for and that no ticket took; None where there is none."""
    asked = [past for past in view.history if is_asking(past.operator, past.extra)]
    taken = {ref for past in view.history if (ref := _written(past, plans_of))}
    taken |= {Ref(*draw.extra["plan"]) for draw in view.under_way if "plan" in draw.extra}
    for past in asked:
        if past.ticket >= view.commits - _REACH:
            for number in range(len(plans_of(past.ticket))):
                if Ref(past.ticket, number) not in taken:
                    return Ref(past.ticket, number)
    return None


def is_asked_for(view: ArchiveView) -> bool:
    """Return whether a ticket that asks for plans is under way: another one would ask for the same."""
    return any(is_asking(draw.operator, draw.extra) for draw in view.under_way)


def is_asking(operator: str, extra: Mapping[str, Any]) -> bool:
    """Return whether a ticket asks for plans, and does not write one that another asked for."""
    return operator == IDEA and "plan" not in extra


def chosen(pick: int, plans: Sequence[str]) -> int:
    """Return which of its plans a ticket that asked for them writes; ``pick`` is from its draw."""
    return pick % len(plans)


def own_plan(draw: Draw, ticket: int, plans_of: PlansOf) -> str | None:
    """Return the plan that a ticket of ``idea`` writes; None where it got none."""
    ref = Ref(*draw.extra["plan"]) if "plan" in draw.extra else None
    plans = plans_of(ref.ticket if ref else ticket)
    if not plans:
        return None
    return plans[ref.number if ref else chosen(draw.extra["pick"], plans)]


def tried(history: Sequence[Past], plans_of: PlansOf) -> list[list[float | int | None]]:
    """Return what came of earlier plans, for a draw: ticket, number, and percent gained on the parent or None.

    At most ``TRIED``: the best half, and the latest.
    """
    rows = list(_outcomes(history, plans_of))
    best = sorted((row for row in rows if row[1] is not None), key=lambda row: -(row[1] or 0.0))[: TRIED // 2]
    late = [row for row in rows if row not in best][-(TRIED - len(best)) :]
    return [[ref.ticket, ref.number, gain] for ref, gain in sorted([*best, *late])]


def told(rows: Sequence[Sequence[float | int | None]], plans_of: PlansOf) -> str:
    """Return what ``tried`` found as lines: the labels of plans are an author's text, to be quoted."""
    lines = []
    for ticket, number, gain in rows:
        assert ticket is not None
        assert number is not None
        came = "no design that could be judged" if gain is None else f"{gain:+.1f} % on its parent"
        lines.append(f"{label_of(plans_of(int(ticket))[int(number)])}: {came}")
    return "\n".join(lines)


def _outcomes(history: Sequence[Past], plans_of: PlansOf) -> Iterator[tuple[Ref, float | None]]:
    for past in history:
        ref = _written(past, plans_of)
        if ref is not None:
            before, score = past.before, past.score
            gain = None if score is None or not before else 100.0 * (before - score) / abs(before)
            yield ref, None if gain is None else round(gain, 1)


def _written(past: Past, plans_of: PlansOf) -> Ref | None:
    """Return the plan that a committed ticket wrote."""
    if past.operator != IDEA:
        return None
    if "plan" in past.extra:
        return Ref(*past.extra["plan"])
    plans = plans_of(past.ticket)
    return Ref(past.ticket, chosen(past.extra["pick"], plans)) if plans else None
