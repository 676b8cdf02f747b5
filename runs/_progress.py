"""Live progress: a panel on a terminal, plain lines in a pipe. Both are fed by the loop's events alone."""

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from speciate.agent import Committed, Event, Finished, Improved, Judged, RunRecord

from ._arms import arm_of
from ._grid import grid_of
from ._heatmap import BLOCKS, draw, encodes
from ._tally import Tally

if TYPE_CHECKING:
    from rich.console import Group

LINES_A_RUN = 20
"""Plain lines a run prints besides those for improvements."""
COMMITS_A_LINE = 50
"""Most commits between two plain lines, however many of them are duplicates."""
LATEST_SHOWN = 4
ALARM = "cheated"
REFRESH_HZ = 4


class Progress(Protocol):
    """Someone who is told what happens."""

    def begin(self, tally: Tally) -> None:
        """Start to watch a search."""

    def on_event(self, event: Event) -> None:
        """Take an event of the search begun last."""

    def end(self) -> None:
        """Stop to watch it."""

    def say(self, line: str) -> None:
        """Show a line that is not about one event."""


class Silent:
    """Shows nothing."""

    def begin(self, tally: Tally) -> None:
        """Show nothing."""

    def on_event(self, event: Event) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Show nothing."""


class Lines:
    """Prints a line for every improvement and about ``LINES_A_RUN`` more a run."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def begin(self, tally: Tally) -> None:
        """Print what is begun."""
        self._tally = tally
        limit = tally.run.settings.budget.evaluations
        self._every = max(1, limit // LINES_A_RUN) if limit else COMMITS_A_LINE
        self._told = (tally.evaluations, tally.commits)
        self.say(f"run {tally.run.id}: {_what(tally.run)}")

    def on_event(self, event: Event) -> None:
        """Print where the search stands, if it is time to."""
        self._tally.take(event)
        if isinstance(event, Judged) and event.status == ALARM:
            self.say(f"  {alarm_words(self._tally.run.id, event.ticket)}")
        elif isinstance(event, Improved):
            self.say(f"  ticket {event.ticket} ({event.operator}): {self._tally.best_words}")
        elif isinstance(event, Committed) and self._due():
            self.say(self._status())
        elif isinstance(event, Finished):
            self.say(f"{event.state}: {event.reason}; {self._tally.outcome_words}")

    def end(self) -> None:
        """Print nothing: the last event has told."""

    def say(self, line: str) -> None:
        """Print the line."""
        print(line, file=self._stream, flush=True)

    def _due(self) -> bool:
        """Whether enough was committed since the last line."""
        evaluations, commits = self._told
        if self._tally.evaluations - evaluations < self._every and self._tally.commits - commits < COMMITS_A_LINE:
            return False
        self._told = (self._tally.evaluations, self._tally.commits)
        return True

    def _status(self) -> str:
        tally = self._tally
        parts = (tally.budget_words(), tally.rate_words(), tally.best_words, tally.niches_words, tally.outcome_words)
        return "; ".join(filter(None, parts))


class Panel:
    """A panel that is redrawn in place: counts, rate, best so far, budget and a small map."""

    def __init__(self, stream: TextIO):
        from rich.console import Console

        self._console = Console(file=stream, highlight=False, markup=False)
        self._draws_blocks = encodes(stream.encoding)

    def begin(self, tally: Tally) -> None:
        """Start to draw."""
        from rich.live import Live

        self._tally = tally
        self._budget = tally.budget_words()
        self._latest: list[str] = []
        self._live = Live(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=REFRESH_HZ,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def on_event(self, event: Event) -> None:
        """Take the event; the panel is redrawn a few times a second."""
        self._tally.take(event)
        if isinstance(event, Judged) and event.status == ALARM:
            self.say(alarm_words(self._tally.run.id, event.ticket))
        elif isinstance(event, Committed):
            self._budget = self._tally.budget_words()
        elif isinstance(event, Improved):
            self._latest.append(f"ticket {event.ticket} ({event.operator}): {self._tally.best_words}")
            del self._latest[:-LATEST_SHOWN]
        elif isinstance(event, Finished):
            self._latest.append(f"{event.state}: {event.reason}")

    def end(self) -> None:
        """Leave the last drawing on the screen."""
        self._live.stop()

    def say(self, line: str) -> None:
        """Print the line."""
        self._console.print(line, soft_wrap=True)

    def _drawn(self) -> "Group":
        from rich.console import Group
        from rich.text import Text

        tally = self._tally
        lines = [
            f"{tally.run.id}  {_what(tally.run)}",
            ", ".join(filter(None, (self._budget, tally.rate_words(" evaluations"), tally.niches_words))),
            tally.best_words,
            tally.outcome_words,
        ]
        drawn = [Text(line, overflow="ellipsis", no_wrap=True) for line in lines]
        if self._draws_blocks:
            grid = grid_of(tally.problem, list(tally.elites.values()), tally.run.settings.archive)
            drawn += [Text.from_ansi(line, no_wrap=True) for line in draw(grid, BLOCKS, colour=True)]
        return Group(*drawn, *(Text(line, overflow="ellipsis", no_wrap=True) for line in self._latest))


def alarm_words(run_id: str, ticket: int) -> str:
    """Return the line that tells of an evaluation that cannot be."""
    return (
        f"ALARM: ticket {ticket} scores beyond the proven bound or tripped a guard; it holds no niche and is kept as "
        f"evidence: speciate show {run_id}/{ticket}"
    )


def _what(run: RunRecord) -> str:
    arm = f", control arm {arm_of(run.settings)} of {run.control_of}" if run.control_of else ""
    return f"{run.settings.proposer}, seed {run.seed}{arm}"


def progress_for(*, quiet: bool, results_on_stdout: bool) -> Progress:
    """Return who shows the progress.

    Args:
        quiet: show nothing.
        results_on_stdout: stdout carries JSON, so progress goes to stderr.
    """
    if quiet:
        return Silent()
    stream = sys.stderr if results_on_stdout else sys.stdout
    return Panel(stream) if stream.isatty() else Lines(stream)
