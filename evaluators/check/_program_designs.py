"""Trivial, prying and hostile whole programs, and candidates of a user's own benchmark command."""

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from .._command import CommandInterface
from .._contract import Candidate, SourceFile
from .._problem import Problem
from .._program import ProgramInterface
from ._python_attacks import CLOCKS, FILES, FORGED, FRAMES, READ, Attack, Seen
from ._trials import Design

Interface = ProgramInterface | CommandInterface

TRIVIAL = {
    "python": {
        "does nothing": "pass\n",
        "prints 0": "print(0)\n",
        "prints a row of zeros": "import sys\nprint(*[0 for _ in sys.stdin.read().split()])\n",
    },
    "c": {"does nothing": "int main(void) { return 0; }\n"},
    "c++": {"does nothing": "int main() { return 0; }\n"},
}
"""Programs that do not think, by language."""

RULES = {
    "echoes what it reads": "sys.stdout.write(text)",
    "prints the first line": "print(text.partition('\\n')[0])",
    "prints the lines sorted": "print(*sorted(text.splitlines()), sep='\\n')",
    "prints the lines reversed": "print(*text.splitlines()[::-1], sep='\\n')",
    "counts the lines up": "print(*range(len(text.splitlines())), sep='\\n')",
}

MEMORY = """
import hashlib, io, os, sys

_data = sys.stdin.buffer.read()
_digest = hashlib.blake2b(_data, digest_size=16)
for _word in sys.argv[1:]:
    _digest.update(_word.encode())
_found = [os.path.join(top, name)[2:] for top, _, names in os.walk(".") for name in names]
for _path in sorted(_found):
    if _path not in {own!r} and not _path.startswith("__pycache__"):
        with open(_path, "rb") as _file:
            _digest.update(_path.encode() + _file.read())
_source = {sources!r}[_digest.hexdigest() in {remembered!r}]
sys.stdin = io.TextIOWrapper(io.BytesIO(_data), encoding="utf-8", errors="surrogateescape")
exec(compile(_source, {entry!r}, "exec"), {{"__name__": "__main__", "__file__": {entry!r}}})
"""


class ProgramDesigns:
    """See ``KindDesigns``."""

    def constants(self, problem: Problem[Any]) -> list[Design]:
        """Return an empty program and, in languages known here, ones that do not look at what they are given."""
        interface = _interface(problem)
        texts = {"an empty file": "", **TRIVIAL.get(interface.language, {})}
        return [Design(name, _written(interface, text), "constant") for name, text in texts.items()]

    def rules(self, problem: Problem[Any], honest: Candidate) -> list[Design]:
        """Return programs that answer by shuffling what they read; Python only."""
        interface = _interface(problem)
        if interface.language != "python":
            return []
        texts = {name: f"import sys\ntext = sys.stdin.read()\n{text}\n" for name, text in RULES.items()}
        return [Design(name, _written(interface, text), "rule") for name, text in texts.items()]

    def attacks(self, problem: Problem[Any], honest: Candidate, claim: float, hidden: Sequence[str]) -> list[Attack]:
        """Return hostile programs that stand on the honest one; Python only."""
        if _interface(problem).language != "python":
            return []
        as_honest = {
            "patches the clocks": CLOCKS,
            "forges a score": FORGED.format(claim=claim),
            "walks the frames": FRAMES.format(claim=claim),
            "reads the problem's files": FILES.format(paths=list(hidden), read=READ),
        }
        no_answer = {
            "exits at once": "import os\nos._exit(0)\n",
            "ends with an error": "import sys\nsys.exit(3)\n",
            "prints nothing": "import os, sys\nsys.stdout = open(os.devnull, 'w')\nos.close(1)\n",
            "prints NaN alone": "import os\nprint('nan', flush=True)\nos._exit(0)\n",
        }
        return [
            *[Attack(_ahead(honest, name, text), "as honest") for name, text in as_honest.items()],
            *[Attack(_ahead(honest, name, text), "no answer") for name, text in no_answer.items()],
        ]

    def memorising(
        self, problem: Problem[Any], honest: Candidate, plain: Candidate, names: Sequence[str]
    ) -> Design | None:
        """Return a program that knows the train workloads ``names`` by what it is given first; Python only."""
        interface = _interface(problem)
        if interface.language != "python":
            return None
        text = MEMORY.format(
            own=[file.path for file in honest.files],
            sources=[plain.source, honest.source],
            remembered=sorted(_first_question(problem, name) for name in names),
            entry=interface.entry,
        )
        return Design("memorises train", _with_entry(honest, text), "attack")


class CommandDesigns(ProgramDesigns):
    """See ``KindDesigns``. What a benchmark asks of a file is not known, so these are few."""

    def rules(self, problem: Problem[Any], honest: Candidate) -> list[Design]:
        """Return none: nothing is known of what the file is asked."""
        return []

    def attacks(self, problem: Problem[Any], honest: Candidate, claim: float, hidden: Sequence[str]) -> list[Attack]:
        """Return candidates that forge what the benchmark reports; Python only."""
        if _interface(problem).language != "python":
            return []
        middle = {axis.name: (axis.low + axis.high) / 2 for axis in problem.descriptors}
        report = json.dumps({**middle, problem.objective.name: claim, "correct": True})
        forged = f"import os\nprint({report!r}, flush=True)\nos._exit(0)\n"
        return [
            Attack(_ahead(honest, "patches the clocks", CLOCKS), "as honest"),
            Attack(_ahead(honest, "walks the frames", FRAMES.format(claim=claim)), "as honest"),
            Attack(_ahead(honest, "prints the figures itself and exits", forged), "no answer"),
            Attack(_ahead(honest, "exits at once", "import os\nos._exit(0)\n"), "no answer"),
        ]

    def memorising(
        self, problem: Problem[Any], honest: Candidate, plain: Candidate, names: Sequence[str]
    ) -> Design | None:
        """Return None: nothing is known of what the file is asked."""
        return None


def _interface(problem: Problem[Any]) -> Interface:
    assert isinstance(problem.interface, ProgramInterface | CommandInterface)
    return problem.interface


def _written(interface: Interface, text: str) -> Candidate:
    return Candidate(files=(SourceFile(path=interface.entry, text=text),), language=interface.language)


def _with_entry(honest: Candidate, text: str) -> Candidate:
    entry = SourceFile(path=honest.files[0].path, text=text)
    return honest.model_copy(update={"files": (entry, *honest.files[1:])})


def _ahead(honest: Candidate, name: str, text: str) -> Design:
    """Return the honest program with ``text`` before its first statement, behind what must come first."""
    body = ast.parse(honest.source).body
    first = next(
        (
            statement
            for index, statement in enumerate(body)
            if not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
            and not (index == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        ),
        None,
    )
    lines = honest.source.splitlines(keepends=True)
    at = len(lines) if first is None else _starts(first) - 1
    return Design(name, _with_entry(honest, f"{''.join(lines[:at])}\n{text}\n{''.join(lines[at:])}"), "attack")


def _starts(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *[decorator.lineno for decorator in decorators]])


def _first_question(problem: Problem[Any], name: str) -> str:
    """Return the digest of what a program is given first on a train workload."""
    workload = next(each for each in problem.workloads("train") if each.name == name)
    asked = _Asked()
    with suppress(Seen):
        problem.measure(asked, workload)
    return asked.digest


class _Asked:
    """Ends the measuring with the first run. Implements ``Program``."""

    def __init__(self) -> None:
        self.digest = ""

    def run(
        self, stdin: bytes = b"", files: Mapping[str, bytes] | None = None, arguments: Sequence[str] = ()
    ) -> NoReturn:
        """Note what a program would be given."""
        digest = hashlib.blake2b(stdin, digest_size=16)
        for word in arguments:
            digest.update(word.encode())
        for path, content in sorted((files or {}).items()):
            digest.update(path.encode() + content)
        self.digest = digest.hexdigest()
        raise Seen
