"""A run driven from the command line, as a user would, and killed as a user would: ``kill -9`` of what was typed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

from prove.ledger import START, STEPS, VERDICT, Kill, progress, rows, steps, written
from prove.leftovers import below, gone, semaphores

PATIENCE_S = 900.0
"""For one sitting to do anything that is waited for; only a hang takes that long."""
STARTING_S = 4.0
"""A sitting that has nothing to wait for is killed within this time, most of which is starting up."""
LINGERING_S = 0.6
"""How long after the awaited progress a kill comes at most."""
AIMED_S = 0.02
"""The same where it is to interrupt a step, of which most are short."""


class Drill:
    """One run in a folder of its own, in as many sittings as it takes.

    Args:
        folder: an empty folder.
        asked: the arguments of ``speciate run`` without database and workers.
        known: processes of the test itself, which may stay.
        seed: of the instants of the kills and of the number of workers of each sitting.
    """

    def __init__(self, folder: Path, asked: Sequence[str], known: set[int], seed: int):
        self.folder = folder
        self.database = folder / "runs.db"
        self.kills: list[Kill] = []
        self.interrupted: Counter[str] = Counter()
        """How many kills met a step in hand, by step; a kill may meet several. ``start`` and ``verdict`` are apart."""
        self.met = 0
        """How many kills met at least one step of a ticket."""
        self.slowest_end_s = 0.0
        """Seconds from a kill to the end of the last process that belonged to the run."""
        self.environ = {**os.environ, "TMPDIR": str(folder / "tmp"), "OPENAI_API_KEY": "sk-of-the-drill"}
        self._asked = list(asked)
        self._known = known
        self._rng = Random(seed)
        self._sittings = 0
        (folder / "tmp").mkdir()

    @property
    def run_id(self) -> str | None:
        """Id of the run, None before it has a row."""
        found = rows(self.database, "SELECT id FROM runs")
        return found[0]["id"] if found else None

    def start(self, workers: int) -> "subprocess.Popen[bytes]":
        """Begin a sitting: ``run`` the first time and ``resume`` afterwards."""
        run_id = self.run_id
        words = ["run", *self._asked] if run_id is None else ["resume", run_id, "--rivals", "1"]
        words += ["--db", self.database.name, "--workers", str(workers)]
        self._sittings += 1
        with (self.folder / f"output.{self._sittings}").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "speciate", *words],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def kill_at_random(self, aims: Sequence[str | None], search: float, last: float, check: Callable[[], None]) -> None:
        """Kill a sitting for each of ``aims`` at instants spread over the run; ``check`` what stands after each.

        Args:
            aims: each a step that the kill must meet, or None for a kill that meets what it meets: starting up and
                reporting too, where a sitting has nothing left to do.
            search: the progress (see ``ledger.progress``) up to which aimed kills are due.
            last: the progress up to which the others are.
            check: called after each kill, before anything is resumed.
        """
        dues = [(self._rng.uniform(0.0, last if aim is None else search), aim) for aim in aims]
        for due, aim in sorted(dues, key=lambda each: each[0]):
            met = self._killed(due, aim)
            check()
            while not met:
                met = self._killed(0.0, aim)
                check()

    @property
    def words(self) -> str:
        """What the kills interrupted."""
        parts = ", ".join(f"{step} {self.interrupted[step]}" for step in (*STEPS, START, VERDICT))
        return f"{len(self.kills)} kills, {self.met} in a ticket's life; in hand at a kill: {parts}"

    def finish(self, workers: int = 2) -> str:
        """Let the run go on to its end and return what the last sitting said."""
        process = self.start(workers)
        try:
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        said = self.output()
        assert code == 0, said
        # Looked at before anything here opens the database, which would make its log again.
        files = {path.name for path in self.folder.iterdir() if not path.name.startswith("output.")}
        assert files == {"runs.db", "reports", "tmp"}
        self.nothing_left(set())
        return said

    def output(self) -> str:
        """Return what the last sitting wrote to its terminal."""
        return (self.folder / f"output.{self._sittings}").read_text(encoding="utf-8", errors="replace")

    def nothing_left(self, shared: set[Path]) -> None:
        """Wait until no process, semaphore or temporary file of the sitting is left."""
        self.slowest_end_s = max(self.slowest_end_s, gone(lambda: below(self._known)))
        gone(lambda: [path for path in shared if path.exists()])
        gone(lambda: list((self.folder / "tmp").iterdir()))

    def _killed(self, due: float, aim: str | None) -> bool:
        """Hold a sitting that is killed once ``due`` is reached; return False if ``aim`` was not met."""
        before = written(self.database)
        # With one worker hardly a ticket is judged before its turn to be committed.
        process = self.start(2 if aim == "archive" else self._rng.choice((1, 2)))
        shared: set[Path] = set()
        try:
            if aim is not None:
                self._await(process, lambda: self._reached(due) and self._met(before)[aim] > 0)
                wait_s = self._rng.uniform(0.0, AIMED_S)
            elif self._reached(due):
                wait_s = self._rng.uniform(0.0, STARTING_S)
            else:
                self._await(process, lambda: self._reached(due))
                wait_s = self._rng.uniform(0.0, LINGERING_S)
            with suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
            with suppress(FileNotFoundError):
                shared = semaphores(process.pid)
            kill = Kill(time.monotonic(), time.time())
        finally:
            process.kill()
            process.wait()
        killed = process.returncode == -signal.SIGKILL
        assert killed or process.returncode == 0, self.output()
        assert killed or aim is None, f"the run ended before a kill met its step {aim}"
        self.nothing_left(shared)
        met = self._met(before)
        if killed:
            self.kills.append(kill)
            self.interrupted.update(set(met))
            self.met += any(met[step] for step in STEPS)
        return killed and (aim is None or met[aim] > 0)

    def _reached(self, due: float) -> bool:
        return self.run_id is not None and progress(self.database) >= due

    def _met(self, before: tuple[int, ...]) -> Counter[str]:
        """Return the steps in hand of a sitting that began when the rows were ``before``."""
        if written(self.database) == before:
            return Counter({START: 1})
        return steps(self.database) or Counter({VERDICT: 1})

    def _await(self, process: "subprocess.Popen[bytes]", reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and not reached():
            assert time.monotonic() < deadline, f"nothing to kill in {PATIENCE_S:g} s: {self.output()}"
            time.sleep(0.01)
