"""Judging in a process of its own that shares nothing with any other, with a hash seed of its own.

Run as a module it reads judgings (one JSON object a line) from stdin and writes what came of each to the file it
is given: the problem's own prints may go wherever they like.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .._contract import Evaluation
from .._errors import SpeciateError
from .._ladder import JudgeTask, judge
from ._trials import Breakdown, Word, told

START_S = 60.0
"""How long a fresh process may take beyond the limits of the judgings themselves."""


class Fresh(NamedTuple):
    """A started process and where it will leave its words."""

    process: "subprocess.Popen[bytes]"
    folder: "tempfile.TemporaryDirectory[str]"
    tasks: int
    deadline_s: float


class Told(NamedTuple):
    """What a fresh process did."""

    words: tuple[Word, ...]
    """One for each task, in order."""
    peak_bytes: int
    """Most memory the judging process itself held; 0 where it ended early."""


def start(tasks: Sequence[JudgeTask], hash_seed: int, deadline_s: float) -> Fresh:
    """Start a process that judges ``tasks`` one after the other, with this PYTHONHASHSEED."""
    folder = tempfile.TemporaryDirectory(prefix="speciate-check-")
    questions = Path(folder.name, "tasks")
    questions.write_text("\n".join(task.model_dump_json() for task in tasks), encoding="utf-8")
    with questions.open("rb") as stdin, Path(folder.name, "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(Path(folder.name, "words"))],
            stdin=stdin,
            stdout=log,
            stderr=log,
            # What can be imported here can be imported there, as in the processes of multiprocessing.
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    return Fresh(process, folder, len(tasks), deadline_s)


def finish(started: Sequence[Fresh]) -> list[Told]:
    """Wait for fresh processes and return what each said. None is left, however this ends."""
    try:
        return [_finish(fresh) for fresh in started]
    finally:
        for fresh in started:
            fresh.process.kill()
            fresh.process.wait()
            fresh.folder.cleanup()


def _finish(fresh: Fresh) -> Told:
    """Return what one said; words it did not get to are breakdowns."""
    try:
        fresh.process.wait(fresh.deadline_s)
        ended = f"the judging process ended with exit code {fresh.process.returncode}"
    except subprocess.TimeoutExpired:
        ended = f"the judging did not end within {fresh.deadline_s:.0f} s"
    lines = _lines(Path(fresh.folder.name, "words"))
    said = Path(fresh.folder.name, "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    words = [_word(line) for line in lines if "peak_bytes" not in line]
    peak = next((json.loads(line)["peak_bytes"] for line in lines if "peak_bytes" in line), 0)
    missing = Breakdown(": ".join([ended, *said])[:300])
    return Told((*words, *[missing] * (fresh.tasks - len(words))), peak)


def _lines(path: Path) -> list[str]:
    # A line without its end was cut off with its process.
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def _word(line: str) -> Word:
    fact = json.loads(line)
    if "refused" in fact:
        raise SpeciateError(fact["refused"])
    return Breakdown(fact["error"]) if "error" in fact else Evaluation.model_validate(fact)


def main(path: str) -> None:
    """Judge what stands on stdin and write the words to ``path``."""
    with open(path, "w", encoding="utf-8", buffering=1) as words:
        for line in sys.stdin.read().splitlines():
            try:
                word = judge(JudgeTask.model_validate_json(line))
                # Not model_dump_json: it turns what is not a number into null.
                words.write(json.dumps(word.model_dump()) + "\n")
            except SpeciateError as error:
                words.write(json.dumps({"refused": str(error)}) + "\n")
            except Exception as error:  # noqa: BLE001 - a process boundary: the problem's own code raised it
                words.write(json.dumps({"error": told(error)}) + "\n")
        words.write(json.dumps({"peak_bytes": _peak_bytes()}) + "\n")


def _peak_bytes() -> int:
    # getrusage would count what the parent held when it started this process.
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    main(sys.argv[1])
