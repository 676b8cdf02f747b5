"""Baselines as files: a folder of designs, each telling its own title, source and constants.

``baselines/earliest_finish.py`` is the baseline ``earliest-finish``. Its docstring (or, in another language, its
first comment) begins with the title and may hold a line ``Source: ...``, a line ``Control.`` for a yardstick, and a
line ``Withheld.`` for a mark to reach, which no search starts from.
A constant that tuning may change says so where it stands::

    WEIGHT = 1.0  # tune: 0.1..10 log

What ``speciate tune --out`` wrote is laid over the constants where ``tuned.toml`` is there.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._contract import Candidate, SourceFile
from ._errors import ProblemError
from ._problem import Baseline, Parameter
from ._tuning import Headroom, with_constants

_TUNABLE = re.compile(
    r"^(?P<name>[A-Za-z_]\w*)\s*=\s*\S+\s*#\s*tune:\s*(?P<low>\S+?)\.\.(?P<high>\S+)(?P<log>\s+log)?\s*$", re.MULTILINE
)
_COMMENT = re.compile(r"^\s*(?:#+!?|//+|--|;+|/?\*+/?)\s?")


def load_baselines(
    folder: Path, entry: str = "candidate.py", tuned: Path | None = None, language: str = "python"
) -> tuple[Baseline, ...]:
    """Return the designs in ``folder``, sorted by name.

    Args:
        folder: one file a design; hidden files are passed over.
        entry: path that the file takes in the candidate.
        tuned: what ``speciate tune --out`` wrote; ``tuned.toml`` beside the folder where it is None. Only that one
            may be missing.
        language: of all designs.

    Raises ProblemError for a folder without designs and for a file that cannot be used.
    """
    files = sorted(file for file in folder.glob("*") if file.is_file() and not file.name.startswith((".", "__")))
    if not files:
        raise ProblemError(f"{folder}: expected a folder with one file a baseline, found none")
    beside = folder.with_name("tuned.toml")
    chosen = _tuned(tuned or beside, required=tuned not in (None, beside))
    return tuple(_baseline(file, entry, language, chosen.get(file.stem, {})) for file in files)


def _baseline(file: Path, entry: str, language: str, tuned: Mapping[str, Any]) -> Baseline:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(f"{file}: cannot be read as a baseline: {error}") from error
    lines = _heading(text)
    files = (SourceFile(path=entry, text=text),)
    candidate = Candidate(files=files, language=language, proposer="human", operator="seed")
    parameters = tuple(_parameter(file, match) for match in _TUNABLE.finditer(text))
    values = tuned.get("values", {})
    strange = set(values) - {parameter.name for parameter in parameters}
    if strange:
        raise ProblemError(f"tuned constants: baseline {file.stem} has no tunable {', '.join(sorted(strange))}")
    source = next((line.removeprefix("Source:").strip() for line in lines if line.startswith("Source:")), "")
    return Baseline(
        name=file.stem.replace("_", "-"),
        title=(lines[0] if lines else file.stem).rstrip("."),
        candidate=with_constants(candidate, values) if values else candidate,
        source=source.rstrip("."),
        parameters=parameters,
        tuned_evaluations=tuned.get("evaluations") if parameters else None,
        control=any(line.rstrip(".") == "Control" for line in lines),
        withheld=any(line.rstrip(".") == "Withheld" for line in lines),
    )


def _heading(text: str) -> list[str]:
    """Return the lines of the docstring, or of the comment that the file begins with."""
    stripped = text.lstrip()
    for quotes in ('"""', "'''"):
        if stripped.startswith(quotes):
            return [line.strip() for line in stripped[3:].partition(quotes)[0].strip().splitlines()]
    lines = []
    for line in stripped.splitlines():
        if line.startswith("#!"):
            continue
        match = _COMMENT.match(line)
        if match is None:
            break
        lines.append(line[match.end() :].removesuffix("*/").strip())
    return [line for line in lines if line]


def _parameter(file: Path, match: re.Match[str]) -> Parameter:
    try:
        low, high = float(match["low"]), float(match["high"])
    except ValueError as error:
        raise ProblemError(f"{file}: expected `# tune: LOW..HIGH [log]`, got {match[0].strip()!r}") from error
    if not low < high or (match["log"] and low <= 0):
        raise ProblemError(f"{file}: LOW < HIGH must hold (and 0 < LOW with log), got {match[0].strip()!r}")
    return Parameter(name=match["name"], low=low, high=high, log=bool(match["log"]))


def measured_headroom(file: Path) -> Headroom | None:
    """Return the headroom that ``speciate tune --out`` measured and wrote into ``file``; None where it did not.

    Raises ProblemError for a file that says something else.
    """
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8")).get("headroom")
        if told is None:
            return None
        to_bound = told.get("to_bound")
        return Headroom(str(told["baseline"]), float(told["score"]), None if to_bound is None else float(to_bound))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProblemError(f"{file}: expected what `speciate tune --out` writes: {error}") from error


def _tuned(file: Path, *, required: bool) -> dict[str, dict[str, Any]]:
    if not required and not file.is_file():
        return {}
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8"))["tuned"]
        return {
            name: {**entry, "values": {key: float(value) for key, value in entry["values"].items()}}
            for name, entry in entries.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProblemError(f"tuned constants {file}: expected what `speciate tune --out` writes: {error}") from error
