"""How the archive came to be what it is: coverage, QD-score and lineage over a run, computed from its rows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_

from speciate.agent import Archive, InsertionRecord, RunRecord
from speciate.agent._descent import Descent, descents_of, maximizes
from speciate.evaluators import Frozen

from ._numbers import quantity

MOMENTS = 120
"""At most this many points of a curve are kept, evenly over the commits, the last one among them."""
DONORS = 5
TAKEN_OVER = 0.5
"""Share of the held niches from which on a line has taken the archive over."""

Holders = Mapping[int, tuple[float, int]]
"""Minimised score and ticket of each held niche."""


class Moment(Frozen):
    """The archive after one commit."""

    commits: int
    evaluations: int
    niches: int
    """Held ones."""
    coverage: float | None
    """Share of all niches, 0 to 1; None for a run that did not write how many there are."""
    qd_score: float
    """How far each holder is better than the worst starting design, summed; one that is not better adds nothing."""
    best: float
    """Best score of a holder, in the problem's own direction."""
    depth: float
    """Generations from a starting design to a holder along its longest line, mean over the holders."""


class Donor(Frozen):
    """A candidate that others descend from which hold niches now."""

    ticket: int
    operator: str
    niches: int
    """Held by its descendants, itself left out."""
    takeover: int | None
    """Commits from its own to the first at which it and its descendants held half of the held niches; None if they
    never did."""


class Dynamics(Frozen):
    """The archive over time."""

    cells: int | None
    """Niches in all."""
    worst: float | None
    """Score of the worst starting design, which the QD-score counts from; None while nothing is archived."""
    moments: tuple[Moment, ...]
    deepest: int
    """Most generations behind a holder."""
    donors: tuple[Donor, ...]
    """Beyond the starting designs, most niches first. Of a line whose members gave rise to the same niches it is the
    latest."""

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """Titles and sentences for people; none while nothing is archived."""
        if not self.moments:
            return ()
        end = self.moments[-1]
        told = f"{end.niches} niches held"
        if end.coverage is not None:
            told = f"{end.niches} of {self.cells} niches held ({end.coverage:.0%})"
        told += f", QD-score {quantity(end.qd_score)} over the worst starting design ({quantity(self.worst)})"
        depth = f"holders are {end.depth:.1f} generations from the start on average, {self.deepest} at most"
        donors = "; ".join(
            f"ticket {donor.ticket} ({donor.operator}) of {donor.niches} niches"
            + (f", half of all after {donor.takeover} commits" if donor.takeover is not None else "")
            for donor in self.donors
        )
        lines = (("archive", told), ("lineage", depth))
        return (*lines, ("donors", donors)) if donors else lines


def dynamics_of(archive: Archive, run: RunRecord) -> Dynamics:
    """Return how a run's archive came about; one pass over its log, whatever its length."""
    tickets, log = descents_of(archive.database, run.id), archive.insertions(run.id)
    # A search may commit between the two reads.
    log = [entry for entry in log if entry.ticket < len(tickets)]
    return dynamics_over(tickets, log, run.settings.archive.cells, maximize=maximizes(archive.database, run.id))


def dynamics_over(
    tickets: Sequence[Descent], log: Sequence[InsertionRecord], cells: int | None, *, maximize: bool = False
) -> Dynamics:
    """Return the dynamics of committed tickets and their insertions, both in commit order.

    Args:
        tickets: numbered from 0 without a gap.
        log: their insertions, with minimised scores.
        cells: niches in all, if that is known.
        maximize: whether the scores are negated ones.
    """
    given = {ticket.number for ticket in tickets if ticket.given}
    started = [entry.score for entry in log if entry.ticket in given] or [entry.score for entry in log]
    if not started:
        return Dynamics(cells=cells, worst=None, moments=(), deepest=0, donors=())
    depths: list[int] = []
    for ticket in tickets:
        depths.append(1 + max((depths[parent] for parent in ticket.parents), default=-1))
    worst, sign, evaluations = max(started), -1.0 if maximize else 1.0, 0
    wanted = _sampled(len(tickets))
    moments: list[Moment] = []
    holders: Holders = {}
    for number, _, holders in _history(tickets, log):
        evaluations += tickets[number].counted
        if number in wanted and holders:
            scores = [score for score, _ in holders.values()]
            moment = Moment(
                commits=number + 1,
                evaluations=evaluations,
                niches=len(holders),
                coverage=len(holders) / cells if cells else None,
                qd_score=math.fsum(max(0.0, worst - score) for score in scores),
                best=sign * min(scores),
                depth=sum(depths[ticket] for _, ticket in holders.values()) / len(holders),
            )
            moments.append(moment)
    return Dynamics(
        cells=cells,
        worst=sign * worst,
        moments=tuple(moments),
        deepest=max(depths[ticket] for _, ticket in holders.values()),
        donors=_donors(tickets, log, holders),
    )


def _history(
    tickets: Sequence[Descent], log: Sequence[InsertionRecord]
) -> Iterator[tuple[int, InsertionRecord | None, Holders]]:
    """Yield each commit, the insertion it was, and the holders after it; the mapping is one and the same."""
    holders: dict[int, tuple[float, int]] = {}
    by_ticket = {entry.ticket: entry for entry in log}
    for ticket in tickets:
        entry = by_ticket.get(ticket.number)
        if entry is not None and entry.result != "rejected":
            holders[entry.cell] = (entry.score, entry.ticket)
        elif entry is not None and entry.holder_score is not None and entry.cell in holders:
            holders[entry.cell] = (entry.holder_score, holders[entry.cell][1])
        yield ticket.number, entry, holders


def _sampled(commits: int) -> set[int]:
    count = min(commits, MOMENTS)
    return {(step + 1) * commits // count - 1 for step in range(count)}


def _donors(tickets: Sequence[Descent], log: Sequence[InsertionRecord], holders: Holders) -> tuple[Donor, ...]:
    # A bit for each niche held at the end, set in every ancestor of its holder.
    given_rise = [0] * len(tickets)
    own = {ticket: 1 << bit for bit, (_, ticket) in enumerate(holders.values())}
    for ticket in reversed(tickets):
        whole = given_rise[ticket.number] | own.get(ticket.number, 0)
        for parent in ticket.parents:
            given_rise[parent] |= whole
    ranked = sorted(
        (ticket for ticket in tickets if not ticket.given and given_rise[ticket.number]),
        key=lambda ticket: (-given_rise[ticket.number].bit_count(), -ticket.number),
    )
    latest: dict[int, Descent] = {}
    for ticket in ranked:
        latest.setdefault(given_rise[ticket.number], ticket)
    chosen = list(latest.values())[:DONORS]
    takeovers = _takeovers(tickets, log, [ticket.number for ticket in chosen])
    return tuple(
        Donor(
            ticket=ticket.number, operator=ticket.operator, niches=given_rise[ticket.number].bit_count(), takeover=took
        )
        for ticket, took in zip(chosen, takeovers, strict=True)
    )


def _takeovers(tickets: Sequence[Descent], log: Sequence[InsertionRecord], donors: Sequence[int]) -> list[int | None]:
    """Return for each donor how many commits its line took to hold ``TAKEN_OVER`` of the held niches."""
    bits = {donor: 1 << place for place, donor in enumerate(donors)}
    lines: list[int] = []
    for ticket in tickets:
        lines.append(reduce(or_, (lines[parent] for parent in ticket.parents), bits.get(ticket.number, 0)))
    held, cells = [0] * len(donors), dict[int, int]()
    found: list[int | None] = [None] * len(donors)
    for number, entry, holders in _history(tickets, log):
        if entry is None or entry.result == "rejected":
            continue
        before, now = cells.get(entry.cell, 0), lines[number]
        cells[entry.cell] = now
        for place, donor in enumerate(donors):
            held[place] += (now >> place & 1) - (before >> place & 1)
            if found[place] is None and held[place] >= TAKEN_OVER * len(holders) and held[place]:
                found[place] = number - donor
    return found
