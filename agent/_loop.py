"""The steady-state loop: issues tickets, lets candidates live, commits them in ticket order.

Which archive a ticket sees depends on commits alone and never on time or on the number of workers. A commit
closes ticket c; before the next one, new tickets are drawn while fewer than ``window`` are open and the
evaluation budget has room. So ticket t is drawn after at least t - window + 1 commits, from a generator
seeded by run and ticket, and judged against the past of exactly those commits.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from speciate.evaluators import Evaluation, Problem, SpeciateError, Status

from ._archive import GIVEN, Archive, Closing
from ._evaluation_budget import ALLOWED, EvaluationBudget
from ._events import Committed, Event, Finished, Improved, Issued, Judged
from ._flight import Flight
from ._fronts import further_of
from ._grid import Grid, Inserted
from ._history import HISTORY, History
from ._islands import Islands
from ._judging import BudgetGate, Judge
from ._laboratory import Laboratory
from ._learning import Learning
from ._memory import seen
from ._parents import Parents
from ._parsimony import yields_to
from ._proposer import ANEW, PEERS, Draw, Elite, Proposer, Task
from ._records import NO_CANDIDATE, UNCOUNTED, RunRecord, TicketRecord
from ._remeasuring import Remeasuring
from ._seeds import generator
from ._standing import changes_of, islands_of, standing_of, tickets_of
from ._tessellation import tessellation_of

_BARREN = 60
"""Tickets in a row without a candidate after which a run gives up."""


class SearchOutcome(NamedTuple):
    """How a sitting ended."""

    state: str
    """``finished`` (a budget was used up) or ``stopped``."""
    reason: str
    evaluations: int
    tickets: int
    """Committed, including duplicates and tickets without a candidate."""
    best: float | None
    """Best score, in the problem's own direction."""


async def search(
    archive: Archive,
    run_id: str,
    problem: Problem[Any],
    proposer: Proposer,
    judge: Judge,
    on_event: Callable[[Event], None] = lambda event: None,
) -> SearchOutcome:
    """Search, from wherever the run stands, until a budget is used up.

    The same call starts a run and resumes one, after ``kill -9`` too; a finished one is left as it is. A
    proposer that is also a ``BudgetGate`` is asked before each ticket whether it can still pay.

    Args:
        archive: holds the run; this process becomes the run's only writer.
        run_id: from ``create_run``.
        problem: the problem the run was made for.
        proposer: who invents.
        judge: who scores.
        on_event: told of each step in this thread; must not block.

    Raises:
        SpeciateError: the archive fails, another process searches this run, or the problem has another
            version than the run was made for. The run is left ``stopped`` and can be resumed.
    """
    gate = proposer if isinstance(proposer, BudgetGate) else None
    return await Search(archive, run_id, problem, proposer, judge, on_event, gate).run()


@dataclass
class Search:
    """One sitting of a run; ``search`` is the plain way to have one."""

    archive: Archive
    run_id: str
    problem: Problem[Any]
    proposer: Proposer
    judge: Judge
    on_event: Callable[[Event], None]
    gate: BudgetGate | None = None
    clock: Callable[[], float] = time.monotonic
    """Seconds; only differences count."""
    _open: dict[int, TicketRecord] = field(default_factory=dict)
    """Issued and not committed."""
    _drawn: set[int] = field(default_factory=set)
    """Of these, the ones drawn in this sitting: nothing of theirs can be in the rows yet."""
    _lives: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    _turns: dict[int, "asyncio.Future[None]"] = field(default_factory=dict)
    _start: dict[int, Elite] = field(default_factory=dict)
    """The starting designs judged ``ok`` so far, by ticket, whether or not they hold a niche."""
    _committed: int = 0
    _barren: int = 0
    _best: float | None = None

    async def run(self) -> SearchOutcome:
        """Search until there is nothing left to do. See ``search``."""
        with self.archive.sole_writer(self.run_id):
            record = self._load()
            if record.state == "finished":
                # To ask anew whether a budget has room would draw tickets only to refuse them once more.
                return self._outcome(record.state, record.reason)
            self.archive.set_state(self.run_id, "running", "", self._base_s)
            try:
                state, reason = await self._steps()
            except asyncio.CancelledError:
                self._end("stopped", "interrupted")
                raise
            except BaseException as error:
                self._end("stopped", f"{type(error).__name__}: {error}")
                raise
            finally:
                await self._abandon()
            return self._end(state, reason)

    def _load(self) -> RunRecord:
        """Read how far the run has come, and derive the grid from its log."""
        record = self.archive.run(self.run_id)
        if record.problem_version != self.problem.version:
            raise SpeciateError(
                f"run {self.run_id} was made for {record.problem.name} version {record.problem_version}, this "
                f"is version {self.problem.version}: scores do not compare; start a new run"
            )
        self._settings = record.settings
        self._base_s, self._started = record.elapsed_s, self.clock()
        self._flight = Flight(self.archive, self.run_id)
        self._sign = -1.0 if self.problem.objective.direction == "maximize" else 1.0
        layout = self._settings.archive
        self._grid = Grid(tessellation_of(self.problem.descriptors, layout), layout.front)
        cap = self._settings.remeasure if self.problem.noisy else 0
        self._remeasuring = Remeasuring(self.archive, self.run_id, self.judge, self._sign, cap) if cap else None
        many = self._settings.islands.count > 1 and self._settings.memory == "archive"
        self._islands = Islands(self._settings, self._grid.tessellation) if many else None
        standing = standing_of(self.archive.database, self.run_id, _BARREN)
        self._committed, self._barren = standing.committed, standing.barren
        self._workloads = tuple(workload.name for workload in self.problem.workloads("train"))
        limit, whole = self._settings.budget.evaluations, len(self._workloads)
        self._budget = EvaluationBudget(limit, whole, standing.evaluations, standing.experiments)
        self._open = {ticket.number: ticket for ticket in standing.open}
        self._parents = Parents(self.archive, self.run_id)
        self._read_log()
        self._learning = Learning(self.archive.database, self.run_id, self.problem, self._settings.lessons)
        self._learning.learn(self._committed)
        self._best = self._best_held()
        self._cpu_mark = time.thread_time()
        return record

    def _read_log(self) -> None:
        """Derive grid, islands and history from what is committed."""
        database = self.archive.database
        given = tickets_of(database, self.run_id, GIVEN)
        homes = islands_of(database, self.run_id) if self._islands else {}
        # Whom the archive rejected may hold a niche on an island.
        log = self.archive.insertions(self.run_id) if self._islands else changes_of(database, self.run_id, given)
        befores: list[tuple[int, float | None]] = []
        for entry in log:
            if entry.ticket >= self._committed - HISTORY:
                befores.append((entry.ticket, self._lowest()))
            holder = self._grid.holder(entry.cell)
            if self._remeasuring is not None:
                self._remeasuring.replay(entry, holder.ticket if holder else None)
            done = Inserted(entry.cell, entry.score, entry.result, holder, 0, None, entry.holder_score, entry.further)
            self._grid.apply(entry.ticket, done)
            if self._islands:
                former = holder.ticket if holder else None
                home = homes.get(entry.ticket, self._islands.home(entry.ticket))
                self._islands.take(entry.ticket, entry, former, None if entry.ticket in given else home)
            if entry.ticket in given:
                self._start[entry.ticket] = Elite(entry.ticket, entry.cell, entry.score)
        self._history = History(database, self.run_id)
        self._history.resume(self._committed, [*befores, (self._committed, self._lowest())])

    async def _steps(self) -> tuple[str, str]:
        """Issue, live and commit in turn; return the final state and its reason."""
        while True:
            ended = self._ended()
            if ended is None:
                self._issue()
            # Nothing new is begun after the minutes are used up, not even a ticket that was already drawn.
            if self._overtime() is None:
                self._begin()
            life = self._lives.get(self._committed)
            if life is None:
                return ended or ("finished", self._budget.words)
            self._turns[self._committed].set_result(None)
            if not await self._wait(life):
                return "finished", f"{self._settings.budget.minutes:g} minutes"

    def _ended(self) -> tuple[str, str] | None:
        """Return state and reason once no further ticket may be issued, though some may be in flight."""
        budget = self._settings.budget
        overtime = self._overtime()
        if overtime is not None:
            return "finished", overtime
        spent = self.gate.exhausted() if self.gate else None
        if spent is not None:
            return "finished", spent
        if self._budget.used_up:
            return "finished", self._budget.words
        if self._barren >= _BARREN:
            return (
                "stopped",
                f"the last {self._barren} tickets gave no candidate; see `speciate show` for why",
            )
        if budget.evaluations is not None and self._issued > 20 * budget.evaluations + 100:
            return (
                "stopped",
                f"{self._issued} tickets gave only {self._evaluations} evaluations: mostly duplicates",
            )
        return None

    def _overtime(self) -> str | None:
        minutes = self._settings.budget.minutes
        return f"{minutes:g} minutes" if minutes is not None and self._elapsed() >= minutes * 60 else None

    @property
    def _evaluations(self) -> int:
        return self._budget.judged

    @property
    def _issued(self) -> int:
        return self._committed + len(self._open)

    def _issue(self) -> None:
        """Draw tickets on the archive as it stands, up to the window and the evaluation budget."""
        while self._has_room():
            number = self._issued
            draw = self._allowed(self._draw(number))
            ticket = self.archive.issue(self.run_id, number, self._committed, self.proposer.name, draw)
            self._open[number] = ticket
            self._drawn.add(number)
            self.on_event(Issued(number, draw.operator, draw.parents, draw.model))

    def _draw(self, ticket: int) -> Draw:
        """Have the proposer draw a ticket on the archive as it stands."""
        island = self._islands.choose(ticket, self._history.seen) if self._islands else None
        view = self._islands.view(island, self._committed) if self._islands and island is not None else None
        view = view or seen(self._grid.view(self._committed), self._settings.memory, self._start.values())
        # A control arm that sees less of the archive does not see what came of its tickets either.
        history = self._history.seen if self._settings.memory == "archive" else ()
        told = replace(view, history=history, under_way=tuple(self._open[number].draw for number in sorted(self._open)))
        return replace(self.proposer.draw(told, generator(f"{self._settings.seed}/{ticket}")), island=island)

    def _has_room(self) -> bool:
        return len(self._open) < self._settings.window and self._budget.has_room(self._open)

    def _allowed(self, draw: Draw) -> Draw:
        """Return the next ticket's draw with no more experiments than may be paid for."""
        return self._budget.allowed(draw, self._open)

    def _judge_of(self, ticket: TicketRecord) -> Judge:
        """Return who judges what this ticket brings."""
        return self.judge

    def _begin(self) -> None:
        """Start lives in ticket order, at most a window of them at a time."""
        from ._life import Life, live

        for number in sorted(self._open):
            if len(self._lives) >= self._settings.window:
                return
            if number in self._lives:
                continue
            ticket = self._open[number]
            life = Life(
                archive=self.archive,
                run_id=self.run_id,
                ticket=ticket,
                proposer=self.proposer,
                judge=self._judge_of(ticket),
                cache=self.archive.cache(self.run_id, ticket.visible, behaviours=ANEW not in ticket.draw.extra),
                repairs=self._settings.repairs,
                task=partial(self._task, ticket),
                flight=self._flight.begin(number),
                judged=partial(self._judged, number),
                commit=partial(self._commit, ticket),
                fresh=number in self._drawn,
            )
            self._turns[number] = asyncio.get_running_loop().create_future()
            self._lives[number] = asyncio.create_task(live(life))

    def _task(self, ticket: TicketRecord) -> Task:
        draw = ticket.draw
        parents, peers = (tuple(map(self._parents.of, each)) for each in (draw.parents, draw.extra.get(PEERS, ())))
        laboratory = Laboratory(self.archive, self.run_id, ticket, self._judge_of(ticket), self._workloads)
        return Task(self.run_id, ticket.number, draw, parents, ticket.visible, laboratory, peers)

    def _judged(self, ticket: int, turn: int, word: Evaluation) -> None:
        self.on_event(Judged(ticket, turn, word.status.value, word.score, word.cost.wall_s))

    async def _commit(self, ticket: TicketRecord, outcome: str, note: str, word: Evaluation | None) -> None:
        """Wait for the ticket's turn, then close it."""
        await self._turns[ticket.number]
        before, entry = self._lowest(), None
        if word is not None and word.status is Status.OK and word.score is not None:
            further = further_of(self.problem, word)
            if self._remeasuring is not None:
                entry = await self._remeasuring.insert(self._grid, ticket.number, word, further)
            else:
                yields = partial(yields_to, self._parents, ticket.number) if ANEW in ticket.draw.extra else None
                entry = self._grid.insert(ticket.number, self._sign * word.score, word.descriptors, further, yields)
            if self._islands:
                former = entry.replaced or self._grid.holder(entry.cell)
                holder = former.ticket if former and entry.result != "new" else None
                self._islands.take(ticket.number, entry, holder, ticket.draw.island)
            if ticket.proposer == GIVEN:
                self._start[ticket.number] = Elite(ticket.number, entry.cell, entry.score)
        mark = time.thread_time()
        closing = Closing(outcome, note, entry, mark - self._cpu_mark, self._elapsed())
        self.archive.commit(self.run_id, ticket.number, closing)
        self._history.add(ticket.number, before)
        self._cpu_mark = mark
        self._committed += 1
        self._budget.judged += outcome not in UNCOUNTED
        if ALLOWED in ticket.draw.extra:
            self._budget.experiments += len(self.archive.experiments_of(self.run_id, ticket.number))
        self._learning.learn(self._committed)
        self._barren = self._barren + 1 if outcome == NO_CANDIDATE else 0
        del self._open[ticket.number]
        self._drawn.discard(ticket.number)
        self._tell(ticket, closing)

    def _tell(self, ticket: TicketRecord, closing: Closing) -> None:
        entry, previous = closing.entry, self._best
        self._best = self._best_held()
        committed = Committed(
            ticket=ticket.number,
            outcome=closing.outcome,
            operator=ticket.draw.operator,
            score=self._sign * entry.score if entry else None,
            result=entry.result if entry else None,
            cell=entry.cell if entry else None,
            evaluations=self._evaluations,
            best=self._best,
            niches=len(self._grid.elites),
            coverage=self._grid.coverage,
            elapsed_s=closing.elapsed_s,
        )
        self.on_event(committed)
        # A noisy elite that was measured again may also turn out to be worse than it was thought.
        if self._best is not None and (previous is None or self._sign * self._best < self._sign * previous):
            self.on_event(Improved(ticket.number, self._best, previous, ticket.draw.operator))

    def _best_held(self) -> float | None:
        """Return the best score that holds a niche, in the problem's own direction."""
        lowest = self._lowest()
        return None if lowest is None else self._sign * lowest

    def _lowest(self) -> float | None:
        """Return the best score that holds a niche, minimised."""
        return self._grid.best.score if self._grid.best else None

    async def _wait(self, life: "asyncio.Task[None]") -> bool:
        """Wait for the life whose turn it is; return False if it outlasts minutes and judge's deadline."""
        number, timeout = self._committed, None
        if self._settings.budget.minutes is not None:
            limits = self.problem.limits.for_workloads(len(self.problem.workloads("train")))
            left = self._settings.budget.minutes * 60 - self._elapsed()
            timeout = max(left, 0.0) + limits.total_wall_s
        done, _ = await asyncio.wait({life}, timeout=timeout)
        if not done:
            return False
        life.result()
        del self._lives[number], self._turns[number]
        self._flight.end(number)
        return True

    async def _abandon(self) -> None:
        """Cancel what is still in flight: its rows stay, and a resumed run goes on from them."""
        for life in self._lives.values():
            life.cancel()
        await asyncio.gather(*self._lives.values(), return_exceptions=True)
        self._lives.clear()

    def _end(self, state: str, reason: str) -> SearchOutcome:
        self.archive.set_state(self.run_id, state, reason, self._elapsed())
        return self._outcome(state, reason)

    def _outcome(self, state: str, reason: str) -> SearchOutcome:
        self.on_event(Finished(state, reason, self._evaluations, self._best))
        return SearchOutcome(state, reason, self._evaluations, self._committed, self._best)

    def _elapsed(self) -> float:
        """Return wall seconds over all sittings."""
        return self._base_s + self.clock() - self._started
