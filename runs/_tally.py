"""What a watcher knows of a search: kept from its events, primed from the rows of earlier sittings. No output."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from speciate.agent import EXTERNAL, GIVEN, Archive, Committed, EliteRecord, Event, RunRecord, tessellation_of
from speciate.agent._records import UNCOUNTED
from speciate.agent._standing import tickets_of
from speciate.evaluators import Problem

from ._numbers import duration, percent, quantity
from ._spent import IN_FLIGHT, spent


class Tally:
    """Counts of one run, up to date after every event."""

    def __init__(self, archive: Archive, run: RunRecord, problem: Problem[Any]):
        self.archive = archive
        self.run = run
        self.problem = problem
        self.outcomes = Counter({k: n for k, n in archive.counts(run.id).items() if k != IN_FLIGHT})
        self.evaluations = sum(n for outcome, n in self.outcomes.items() if outcome not in UNCOUNTED)
        self.began_with = self.evaluations
        self.elapsed_s = run.elapsed_s
        self.elites = {elite.cell: elite for elite in archive.elites(run.id)}
        self._cells = tessellation_of(problem.descriptors, run.settings.archive).cells
        best = archive.best(run.id)
        self.best = best[0].score if best else None
        self.baseline: float | None = None
        """Best train score of a contending baseline among the candidates the run started from."""
        self._baselines = _starting_baselines(archive, run, problem)
        for ticket in self._baselines:
            record = archive.evaluation_of(run.id, ticket, 0)
            self._meet_baseline(record.evaluation.score if record else None)

    def take(self, event: Event) -> None:
        """Take one event into account."""
        if not isinstance(event, Committed):
            return
        self.outcomes[event.outcome] += 1
        self.evaluations, self.best, self.elapsed_s = event.evaluations, event.best, event.elapsed_s
        if event.ticket in self._baselines:
            self._meet_baseline(event.score)
        if event.cell is not None and event.score is not None and event.result in ("new", "improved"):
            self.elites[event.cell] = EliteRecord(event.ticket, event.cell, "", event.score, {}, event.operator)

    @property
    def commits(self) -> int:
        """Tickets closed so far."""
        return self.outcomes.total()

    @property
    def gain(self) -> float | None:
        """Relative gain of the best over the best baseline, both on train; None while either is missing."""
        if self.best is None or not self.baseline:
            return None
        sign = 1.0 if self.problem.objective.direction == "minimize" else -1.0
        return sign * (self.baseline - self.best) / abs(self.baseline)

    @property
    def best_words(self) -> str:
        """The best score with its gain."""
        gain = "" if self.gain is None else f" ({percent(self.gain)} over the best tuned baseline, on train)"
        return f"best {quantity(self.best)}{gain}" if self.best is not None else "nothing judged ok yet"

    @property
    def niches_words(self) -> str:
        """How much of the archive is filled."""
        return f"niches {len(self.elites)}/{self._cells}"

    @property
    def outcome_words(self) -> str:
        """Outcomes with their counts, most frequent first."""
        return ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.most_common())

    @property
    def rate(self) -> float:
        """Evaluations a second in this sitting; 0 before the first."""
        elapsed_s = self.elapsed_s - self.run.elapsed_s
        return (self.evaluations - self.began_with) / elapsed_s if elapsed_s > 0 else 0.0

    def rate_words(self, unit: str = "") -> str:
        """Return the rate, or nothing where inventors are waited for: its clock runs only while the run is held."""
        return "" if self.run.settings.proposer == EXTERNAL else f"{self.rate:.1f}{unit}/s"

    def budget_words(self) -> str:
        """Return how much of each limit is used; reads the rows where models are paid."""
        budget = self.run.settings.budget
        words = []
        if budget.evaluations is not None:
            words.append(f"{self.evaluations}/{budget.evaluations} evaluations")
        else:
            words.append(f"{self.evaluations} evaluations")
        if budget.minutes is not None:
            words.append(f"{duration(self.elapsed_s)} of {budget.minutes:g} min")
        if self.run.settings.models:
            cost = spent(self.archive, self.run.id)
            words += [f"{cost.experiments} experiments"] if cost.experiments else []
            tokens = "unknown" if cost.tokens is None else f"{cost.tokens:,}"
            usd = "unknown" if cost.usd is None else f"{cost.usd:.4f}"
            words.append(f"tokens {tokens}" + (f"/{budget.tokens:,}" if budget.tokens else ""))
            words.append(f"USD {usd}" + (f"/{budget.usd:g}" if budget.usd else ""))
        return ", ".join(words)

    def _meet_baseline(self, score: float | None) -> None:
        if score is None:
            return
        better = min if self.problem.objective.direction == "minimize" else max
        self.baseline = score if self.baseline is None else better(self.baseline, score)


def _starting_baselines(archive: Archive, run: RunRecord, problem: Problem[Any]) -> Sequence[int]:
    """Return the tickets that hold a contending baseline."""
    ids = {baseline.candidate.id for baseline in problem.baselines() if not baseline.control}
    tickets = sorted(tickets_of(archive.database, run.id, GIVEN))
    return [n for n in tickets if any(r.candidate.id in ids for r in archive.candidates_of(run.id, n))]
