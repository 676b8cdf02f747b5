"""The program kind: a whole program of the candidate's, in any language, fed on stdin, files and arguments."""

import ast
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from pydantic import Field, field_validator

from ._contract import Candidate, Cost, Status
from ._errors import CandidateFault
from ._interface import Function, Interface
from ._problem import Limits
from ._room import File, Finished, Order, Rooms, check_path
from .sandbox import Programs

ENTRY = "{entry}"
"""What stands for the entry file's name in a command."""


class FilesInterface(Interface):
    """A candidate that is whole files: what the kinds ``program`` and ``command`` have in common."""

    packages: bool = False
    """Whether Python programs may import NumPy."""
    processes: int = Field(default=64, ge=1, le=4096)
    """Processes and threads at one time, of all that a run starts."""
    source_files: int = Field(default=16, ge=1)
    """How many files a candidate may have."""

    @field_validator("entry")
    @classmethod
    def _path_is_below(cls, value: str) -> str:
        check_path(value)
        return value

    @property
    def functions(self) -> tuple[Function, ...]:
        """None: the files are asked as a whole."""
        return ()

    def signatures(self) -> tuple[str, ...]:
        """Return the entry file's name."""
        return (self.entry,)


class ProgramInterface(FilesInterface):
    """How a candidate's program is built and run. Commands start in the folder of the candidate's files.

    Example (C++): language="c++", entry="main.cpp", build=("g++", "-O2", "-o", "main", "{entry}"), run=("./main",)
    """

    kind: ClassVar[str] = "program"
    entry: str = "main.py"
    """Name of the candidate's first file."""
    build: tuple[str, ...] | None = None
    """Command run once a candidate, within ``limits.start_wall_s``; what it leaves is there in every run."""
    run: tuple[str, ...] = Field(default=("python3", ENTRY), min_length=1)
    """Command of one run; the arguments of ``Program.run`` come after it."""
    outputs: tuple[str, ...] = ()
    """Paths of files that a run may leave as part of its answer."""
    environment: dict[str, str] = Field(default_factory=dict)
    about: str = ""
    """What the program reads and what it must print: Markdown, for the brief."""

    @field_validator("outputs")
    @classmethod
    def _paths_are_below(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            check_path(path)
        return value

    def command(self, template: Sequence[str]) -> tuple[str, ...]:
        """Return a command with the entry file's name in its place."""
        return tuple(word.replace(ENTRY, self.entry) for word in template)

    def description(self) -> str:
        """Return what to write, how it is run, and where."""
        lines = [
            f"Write a whole program in {self.language}; its main file is `{self.entry}`. {self.about}".rstrip(),
            "",
        ]
        if self.build:
            lines.append(f"- built once by `{' '.join(self.command(self.build))}`")
        lines.append(f"- run by `{' '.join(self.command(self.run))}`, afresh each time: nothing is remembered")
        if self.outputs:
            lines.append(f"- its answer includes the files {', '.join(f'`{path}`' for path in self.outputs)}")
        lines.append(
            "- any exit code but 0 is a failure; there is no network, and only the current folder can be written"
        )
        if self.language == "python":
            lines.append(f"- Python's standard library{' and numpy are' if self.packages else ' is'} there")
        return "\n".join(lines)


class Program(Protocol):
    """A candidate that is run as a whole, as often as the problem likes."""

    def run(
        self, stdin: bytes = b"", files: Mapping[str, bytes] | None = None, arguments: Sequence[str] = ()
    ) -> Finished:
        """Run the program once, in a folder with its own files, what its build left, and ``files``.

        Args:
            stdin: what it reads there, bytes.
            files: further files by path below its folder.
            arguments: for the end of its command.

        Each run may take ``limits.wall_s`` and ``limits.cpu_s``; all runs of a judging together what that is for
        all of its workloads. Raises CandidateFault where the program ends in any way but exit code 0 (``crashed``,
        ``timeout``, ``oom``, ``output_limit``) or was not built (``invalid``), ValueError for a path that is not
        below the folder or that is one of the candidate's.
        """


class RoomProgram:
    """A candidate's program, each run in a fresh room of a sandbox. Implements ``Program``.

    Nothing stays of a run but its answer: no file and no process.
    """

    def __init__(self, candidate: Candidate, interface: ProgramInterface, rooms: Rooms):
        self._interface = interface
        self._rooms = rooms
        self._files = {file.path: File(file.text.encode(errors="surrogatepass")) for file in candidate.files}
        self._built = interface.build is None
        self._fault: CandidateFault | None = None

    @property
    def cost(self) -> Cost:
        """CPU seconds of the program, all it started and the rooms, wall seconds, and the number of runs."""
        return self._rooms.cost

    def build(self) -> None:
        """Run the build command, where there is one; once. Raises CandidateFault(INVALID) with the compiler's words."""
        if self._built or self._interface.build is None:
            return
        order = self._order(self._interface.build, self._files)._replace(
            wanted=None, wall_s=self._rooms.limits.start_wall_s, wall_limit="start_wall_s"
        )
        try:
            left = self._carried_out(order).files
        except CandidateFault as fault:
            if fault.status is not Status.CRASHED:
                raise
            self._fault = CandidateFault(Status.INVALID, f"the build failed: {fault.detail}")
            raise self._fault from None
        self._files = {**left, **self._files}
        self._built = True

    def run(
        self, stdin: bytes = b"", files: Mapping[str, bytes] | None = None, arguments: Sequence[str] = ()
    ) -> Finished:
        """Run the program once; see ``Program.run``."""
        self.build()
        given = {path: File(content) for path, content in (files or {}).items()}
        both = sorted(given.keys() & self._files.keys())
        if both:
            raise ValueError(f"files of a run must not be the candidate's own or built ones, got {', '.join(both)}")
        order = self._order((*self._interface.run, *arguments), {**self._files, **given})
        return self._carried_out(order._replace(stdin=stdin, wanted=self._interface.outputs))

    def _order(self, command: Sequence[str], files: Mapping[str, File]) -> Order:
        return Order(
            command=self._interface.command(command),
            files=files,
            environment=self._interface.environment,
            wall_s=self._rooms.wall_s,
            cpu_s=self._rooms.cpu_s,
            processes=self._interface.processes,
        )

    def _carried_out(self, order: Order) -> Finished:
        """Carry out the order; after a fault every further one raises the same fault."""
        if self._fault is not None:
            raise self._fault
        try:
            return self._rooms.carry_out(order, Programs(packages=self._interface.packages))
        except CandidateFault as fault:
            self._fault = fault
            raise


def screen_files(candidate: Candidate, interface: FilesInterface, limits: Limits) -> CandidateFault | None:
    """Return why the files of ``candidate`` are not what ``interface`` asks for, or None where they may be.

    Checked: language, the entry file's name, paths, number and bytes of files, and that Python parses.
    """
    reason = _unfit(candidate, interface, limits)
    if reason is None and interface.language == "python":
        reason = next(filter(None, (_not_python(file.path, file.text) for file in candidate.files)), None)
    return CandidateFault(Status.INVALID, reason) if reason else None


def _unfit(candidate: Candidate, interface: FilesInterface, limits: Limits) -> str | None:
    paths = [file.path for file in candidate.files]
    if candidate.language != interface.language:
        return f"expected a program in {interface.language}, got one in {candidate.language}"
    if paths[0] != interface.entry:
        return f"expected the first file to be {interface.entry}, got {paths[0][:200]}"
    if len(set(paths)) < len(paths) or len(paths) > interface.source_files:
        return f"expected at most {interface.source_files} files of different names, got {len(paths)}"
    try:
        for path in paths:
            check_path(path)
        size = sum(len(file.text.encode()) for file in candidate.files)
    except UnicodeEncodeError as error:
        return f"the source must be encodable as UTF-8: {error.reason} at character {error.start}"
    except ValueError as error:
        return str(error)
    if size > limits.source_bytes:
        return f"the source may have at most {limits.source_bytes} bytes, it has {size}"
    return None


def _not_python(path: str, text: str) -> str | None:
    if not path.endswith(".py"):
        return None
    try:
        ast.parse(text, filename=path)
    except SyntaxError as error:
        return f"{path}, line {error.lineno or '?'}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{path} does not parse: {error or type(error).__name__}"
    return None
