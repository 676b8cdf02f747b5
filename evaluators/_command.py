"""The command kind: the user's own benchmark, in any language, declared in ``problem.toml``.

The benchmark runs in a room for programs, with the problem's folder readable and the candidate's files beside it
in scratch. It shares its process tree with the candidate, so what it reports can be forged: every evaluation
carries the label ``in-process``.
"""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import Field

from ._baselines import load_baselines
from ._contract import Candidate, Measurement, SourceFile, Split, Status, Workload
from ._errors import CandidateFault, Incorrect, ProblemError
from ._metrics import by_patterns, from_last_line
from ._problem import Baseline, Problem
from ._problem_file import ProblemFile, read_problem_file
from ._program import FilesInterface
from ._room import WORK, File, Finished, Order, Rooms
from .sandbox import Programs

LABEL = "in-process"
"""Says that the candidate can reach what measures it."""
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


class CommandInterface(FilesInterface):
    """A file to write, and the benchmark command that judges it."""

    kind: ClassVar[str] = "command"
    command: tuple[str, ...] = Field(min_length=1)
    """Run in ``folder``. ``{candidate}`` is the path of the candidate's file; see ``known_values`` for the others."""
    folder: str
    """The problem's folder, absolute: readable inside, not writable."""

    def description(self) -> str:
        """Return what to write and what it is judged by."""
        return "\n".join(
            [
                f"Write `{self.entry}`, in {self.language}. It is judged by `{' '.join(self.command)}`,",
                "where `{candidate}` is the path of your file. There is no network, and only `/tmp` can be written.",
            ]
        )


def known_values(entry: str, folder: str, workload: Workload) -> dict[str, str]:
    """Return what may stand in braces in a command, and is in its environment as ``SPECIATE_...``."""
    return {
        **{name: _word(value) for name, value in workload.params.items()},
        "candidate": f"{WORK}/{entry}",
        "folder": folder,
        "workload": workload.name,
        "split": workload.split,
        "seed": str(workload.seed),
        "repetition": str(workload.repetition),
    }


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Command(Protocol):
    """A candidate before the user's benchmark."""

    source_bytes: int
    """Of all of the candidate's files."""

    def run(self, workload: Workload) -> Finished:
        """Run the benchmark on one workload. Raises CandidateFault for any end but exit code 0."""


class RoomCommand:
    """The benchmark with a candidate, each run in a fresh room of a sandbox. Implements ``Command``."""

    def __init__(self, candidate: Candidate, interface: CommandInterface, rooms: Rooms):
        self.rooms = rooms
        self._interface = interface
        self._files = {file.path: File(file.text.encode(errors="surrogatepass"), True) for file in candidate.files}
        self.source_bytes = sum(len(file.content) for file in self._files.values())

    def run(self, workload: Workload) -> Finished:
        """Run the benchmark once; see ``Command.run``."""
        interface = self._interface
        known = known_values(interface.entry, interface.folder, workload)
        order = Order(
            command=tuple(_PLACEHOLDER.sub(lambda match: known[match[1]], word) for word in interface.command),
            files=self._files,
            environment={f"SPECIATE_{name.upper()}": value for name, value in known.items()},
            wall_s=self.rooms.wall_s,
            cpu_s=self.rooms.cpu_s,
            processes=interface.processes,
            folder=interface.folder,
        )
        return self.rooms.carry_out(order, Programs((interface.folder,), packages=interface.packages))


class CommandProblem(Problem[Command]):
    """A problem read from ``problem.toml``; see ``command_problem``."""

    interface: CommandInterface

    def __init__(self, file: Path, told: ProblemFile):
        self._told = told
        self._folder = file.resolve().parent
        self.name, self.title, self.family, self.version = told.name, told.title, told.family, told.version
        self.objective, self.descriptors, self.limits = told.objective, told.descriptors, told.limits
        self.objectives = told.objectives
        self.noisy = told.noisy
        self.interface = CommandInterface(
            command=tuple(shlex.split(told.command)) if isinstance(told.command, str) else told.command,
            folder=str(self._folder),
            entry=told.entry,
            language=told.language,
            packages=told.packages,
            processes=told.processes,
        )
        self._by_split: dict[Split, list[Workload]] = {"train": [], "validation": [], "heldout": []}
        for row in told.workloads:
            self._by_split[row.split] += row.instances()

    @property
    def folder(self) -> Path:
        """The folder of ``problem.toml``."""
        return self._folder

    def seed(self) -> Candidate:
        """Return the file that ``seed`` names. Raises ProblemError where it cannot be read."""
        file = self._folder / self._told.seed
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProblemError(f"{file}: expected the program a search starts from, got: {error}") from error
        return Candidate(files=(SourceFile(path=self._told.entry, text=text),), language=self._told.language)

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the workloads as they stand in the file."""
        return tuple(self._by_split[split])

    def baselines(self) -> Sequence[Baseline]:
        """Return the designs in the folder ``baselines``, where there is one."""
        folder = self._folder / "baselines"
        return load_baselines(folder, self._told.entry, language=self._told.language) if folder.is_dir() else ()

    def bound(self, workload: Workload) -> float | None:
        """Return ``bound``, the same for every workload."""
        return self._told.bound

    def probe(self) -> None:
        """Return None: only the benchmark knows what a candidate does."""

    def measure(self, subject: Command, workload: Workload) -> Measurement:
        """Run the benchmark and read its metrics. Raises CandidateFault."""
        ran = subject.run(workload)
        reading = by_patterns(ran.text, self._told.patterns) if self._told.patterns else from_last_line(ran.text)
        if not reading.correct:
            raise Incorrect(f"{workload.name}: {reading.feedback or 'the benchmark says that it is not correct'}")
        taken = {"cpu_s": ran.cpu_s, "wall_s": ran.wall_s, "source_bytes": float(subject.source_bytes)}
        metrics = {**reading.metrics, **taken}
        return Measurement(
            workload=workload.name,
            objective=_wanted(metrics, self.objective.name),
            metrics=metrics,
            descriptors={axis.name: _wanted(metrics, axis.name) for axis in self.descriptors},
            feedback=reading.feedback,
        )


def command_problem(file: Path, options: Mapping[str, str]) -> CommandProblem:
    """Return the problem that ``file`` (a ``problem.toml``) declares.

    Raises ProblemError with the file, the key, what was expected and what came.
    """
    if options:
        raise ProblemError(f"{file}: takes no options, got {', '.join(sorted(options))}; set values in the file")
    problem = CommandProblem(file, read_problem_file(file))
    for split in _SPLITS:
        if not problem.workloads(split):
            raise ProblemError(f"{file}: workloads: expected at least one of split {split}, got none")
    names = [workload.name for split in _SPLITS for workload in problem.workloads(split)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProblemError(f"{file}: workloads: expected different names, got {', '.join(twice)} more than once")
    for word in problem.interface.command:
        for name in _PLACEHOLDER.findall(word):
            _require_known(file, problem, name)
    problem.seed()
    return problem


_SPLITS: tuple[Split, ...] = ("train", "validation", "heldout")


def _require_known(file: Path, problem: CommandProblem, name: str) -> None:
    for split in _SPLITS:
        for workload in problem.workloads(split):
            known = known_values("", "", workload)
            if name not in known:
                told = ", ".join(f"{{{known_name}}}" for known_name in known)
                raise ProblemError(
                    f"{file}: command: expected placeholders that every workload has ({told} in {workload.name}), "
                    f"got {{{name}}}"
                )


def _wanted(metrics: Mapping[str, float], name: str) -> float:
    if name in metrics:
        return metrics[name]
    raise CandidateFault(Status.PROTOCOL, f"the benchmark reported no {name}; it reported {', '.join(sorted(metrics))}")


def unreadable_by_others(folder: str) -> str | None:
    """Return a file or folder below ``folder`` that a user without rights cannot read; None where there is none."""
    for top, folders, files in os.walk(folder):
        for path, needed in [(top, 0o005), *((os.path.join(top, name), 0o004) for name in files)]:
            if os.path.exists(path) and os.stat(path).st_mode & needed != needed:
                return path
        folders[:] = [name for name in folders if not name.startswith(".")]
    return None
