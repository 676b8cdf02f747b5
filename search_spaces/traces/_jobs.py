"""Loaders for logs of training jobs: Gavel's traces with measured throughputs, and the testbed workload of Tiresias."""

import ast
import csv
import json
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import ProblemError

TYPES = ("k80", "p100", "v100")
"""GPUs of which Gavel's throughputs tell."""
THROUGHPUTS = "simulation_throughputs.json"
GAVEL_FIELDS = 7
TIRESIAS_COLUMNS = ("num_gpu", "submit_time", "duration")
MIN_JOBS = 40
LARGEST_SCALE = 1 << 16

Rates = Mapping[str, Mapping[int, tuple[float, ...]]]
"""By job type and scale, steps a second on each of ``TYPES``; 0 where it was not measured or does not run."""


class LoggedJobs(NamedTuple):
    """Jobs of a log, in order of arrival; arrays have shape ``(n,)`` unless said."""

    arrival_s: NDArray[np.float64]
    """Seconds since the first job."""
    work_s: NDArray[np.float64]
    """On the type that suits it best."""
    scale: NDArray[np.int64]
    """GPUs."""
    speed: NDArray[np.float64]
    """Shape ``(n, types)``: relative to its best type. One type only where the log knows of no other."""
    line: NDArray[np.int64]
    """Of the file."""


class _Row(NamedTuple):
    line: int
    arrival_s: float
    work_s: float
    scale: int
    speed: tuple[float, ...]


def load_job_log(path: Path, throughputs: Path | None = None) -> LoggedJobs:
    """Return the jobs of a log of Gavel (tab-separated) or Tiresias (CSV with a header), told apart by their look.

    Args:
        path: the log.
        throughputs: for a Gavel trace, its throughputs; None for ``simulation_throughputs.json`` beside it. A job of
            a scale that was not measured runs at the largest measured one's rate in proportion.

    Raises ProblemError, naming the file and the line, for a file that cannot be read or is neither, a value that is
    no number or is out of range, a job type that was not measured, a job that goes back in time, or under 40 jobs.
    """
    lines = _text(path).splitlines()
    if lines and lines[0].count("\t") == GAVEL_FIELDS - 1:
        measured = throughputs or path.with_name(THROUGHPUTS)
        rates = _rates(measured)
        return _log(path, lines, 1, lambda number, line: _gavel(number, line, rates))
    header = tuple(lines[0].strip().split(",")) if lines else ()
    if set(TIRESIAS_COLUMNS) <= set(header):
        return _log(path, lines[1:], 2, lambda number, line: _tiresias(number, line, header))
    raise ProblemError(
        f"trace {path}: expected a Gavel trace ({GAVEL_FIELDS} fields, separated by tabs) or a CSV with the columns "
        f"{', '.join(TIRESIAS_COLUMNS)}; the first line is {(lines[0] if lines else '')[:80]!r}"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProblemError(f"trace {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProblemError(f"trace {path}: not a text file: {error}") from error


def _log(path: Path, lines: list[str], first: int, parse: Callable[[int, str], _Row]) -> LoggedJobs:
    rows: list[_Row] = []
    for number, line in enumerate(lines, first):
        try:
            row = parse(number, line)
            if rows and row.arrival_s < rows[-1].arrival_s:
                raise ValueError("expected arrivals in order of time, got an earlier one")
        except ValueError as error:
            raise ProblemError(f"trace {path}, line {number}: {error}") from error
        rows.append(row)
    if len(rows) < MIN_JOBS:
        raise ProblemError(f"trace {path}: expected at least {MIN_JOBS} jobs, got {len(rows)}")
    return LoggedJobs(
        arrival_s=np.array([row.arrival_s - rows[0].arrival_s for row in rows]),
        work_s=np.array([row.work_s for row in rows]),
        scale=np.array([row.scale for row in rows], dtype=np.int64),
        speed=np.array([row.speed for row in rows]),
        line=np.array([row.line for row in rows], dtype=np.int64),
    )


def _gavel(number: int, line: str, rates: Rates) -> _Row:
    fields = line.split("\t")
    if len(fields) != GAVEL_FIELDS:
        raise ValueError(f"expected {GAVEL_FIELDS} fields separated by tabs, got {len(fields)}")
    kind, steps = fields[0], _positive("total_steps", fields[4])
    arrival, scale = _not_negative("arrival_time", fields[5]), _scale(fields[6])
    if kind not in rates:
        raise ValueError(f"job type {kind!r} has no throughput")
    measured = max((each for each in rates[kind] if each <= scale), default=min(rates[kind]))
    rate = [each * scale / measured for each in rates[kind][measured]]
    return _Row(number, arrival, steps / max(rate), scale, tuple(each / max(rate) for each in rate))


def _tiresias(number: int, line: str, header: tuple[str, ...]) -> _Row:
    values = next(csv.reader([line]), [])
    if len(values) != len(header):
        raise ValueError(f"expected {len(header)} fields, got {len(values)}")
    row = dict(zip(header, values, strict=True))
    work = _positive("duration", row["duration"])
    return _Row(number, _not_negative("submit_time", row["submit_time"]), work, _scale(row["num_gpu"]), (1.0,))


def _rates(path: Path) -> Rates:
    """Return the rates of ``simulation_throughputs.json``, jobs alone."""
    try:
        told = json.loads(_text(path))
        found: dict[str, dict[int, list[float]]] = {}
        for column, kind in enumerate(TYPES):
            for key, pairs in told[kind].items():
                name, scale = ast.literal_eval(key)
                by_type = found.setdefault(str(name), {}).setdefault(int(scale), [0.0] * len(TYPES))
                by_type[column] = _not_negative("throughput", str(pairs["null"]))
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError) as error:
        raise ProblemError(
            f"throughputs {path}: expected Gavel's JSON, by {', '.join(TYPES)}, job type and 'null': {error!r}"
        ) from error
    runs = {
        name: {scale: tuple(each) for scale, each in sorted(scales.items()) if max(each) > 0}
        for name, scales in found.items()
    }
    return {name: scales for name, scales in runs.items() if scales}


def _not_negative(name: str, text: str) -> float:
    value = float(text)
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"expected {name} >= 0, got {text!r}")
    return value


def _positive(name: str, text: str) -> float:
    value = _not_negative(name, text)
    if value == 0:
        raise ValueError(f"expected {name} > 0, got {text!r}")
    return value


def _scale(text: str) -> int:
    value = int(text)
    if not 1 <= value <= LARGEST_SCALE:
        raise ValueError(f"expected 1 to {LARGEST_SCALE} GPUs, got {value}")
    return value
