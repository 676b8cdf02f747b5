"""Loader for the Azure LLM inference traces (CSV: TIMESTAMP, ContextTokens, GeneratedTokens)."""

import csv
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import ProblemError

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
LONGEST_TOKENS = 1 << 20
MIN_REQUESTS = 100


class LoggedRequests(NamedTuple):
    """Requests of a log, in arrival order; each array has shape ``(n,)``."""

    arrival_s: NDArray[np.float64]
    """Seconds since the first request."""
    prompt_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]


def load_azure_csv(path: Path) -> LoggedRequests:
    """Return the requests of an Azure LLM trace.

    Raises ProblemError, naming the file and the line, for a file that cannot be read, lacks a column, holds a
    value that is no number or lies outside ``[1, 2^20]`` tokens, goes back in time, or has under 100 requests.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return _parse(path, stream)
    except OSError as error:
        raise ProblemError(f"trace {path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProblemError(f"trace {path}: not a CSV text file: {error}") from error


def _parse(path: Path, stream: TextIO) -> LoggedRequests:
    reader = csv.DictReader(stream)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise ProblemError(
            f"trace {path}: expected the columns {', '.join(COLUMNS)}, missing {', '.join(missing)}; "
            f"found {', '.join(reader.fieldnames or ()) or 'none'}"
        )
    times: list[float] = []
    prompts: list[int] = []
    outputs: list[int] = []
    for row in reader:
        try:
            times.append(_seconds(row["TIMESTAMP"]))
            prompts.append(_tokens(row["ContextTokens"]))
            outputs.append(_tokens(row["GeneratedTokens"]))
        except (TypeError, ValueError) as error:
            raise ProblemError(f"trace {path}, line {reader.line_num}: {error}") from error
    if len(times) < MIN_REQUESTS:
        raise ProblemError(f"trace {path}: expected at least {MIN_REQUESTS} requests, got {len(times)}")
    arrival = np.array(times) - times[0]
    if np.any(np.diff(arrival) < 0):
        line = int(np.argmax(np.diff(arrival) < 0)) + 3
        raise ProblemError(f"trace {path}, line {line}: expected arrivals in order of time, got an earlier one")
    return LoggedRequests(arrival, np.array(prompts, dtype=np.int64), np.array(outputs, dtype=np.int64))


def _seconds(text: str | None) -> float:
    if not text:
        raise ValueError("expected a timestamp, got nothing")
    # The trace writes seven decimals; datetime takes six.
    head, _, fraction = text.strip().partition(".")
    return datetime.fromisoformat(f"{head}+00:00").timestamp() + (float(f"0.{fraction}") if fraction else 0.0)


def _tokens(text: str | None) -> int:
    value = int(text or "")
    if not 1 <= value <= LONGEST_TOKENS:
        raise ValueError(f"expected 1 to {LONGEST_TOKENS} tokens, got {value}")
    return value
