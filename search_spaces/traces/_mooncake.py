"""Loader for the Mooncake traces (JSON lines: timestamp, input_length, output_length, hash_ids)."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from speciate.evaluators import ProblemError

from ._azure import LoggedRequests

MOONCAKE_BLOCK_TOKENS = 512
"""Tokens that one of a prompt's hash ids stands for."""
LONGEST_TOKENS = 1 << 20
LARGEST_ID = 1 << 53
"""What a double holds exactly."""
MIN_REQUESTS = 100
COLUMNS = ("timestamp", "input_length", "output_length", "hash_ids")


class LoggedPrefixes(NamedTuple):
    """Requests of a log and the blocks of their prompts."""

    requests: LoggedRequests
    blocks: tuple[tuple[int, ...], ...]
    """For each request the numbers of its prompt's blocks of ``MOONCAKE_BLOCK_TOKENS``, the last perhaps not full."""
    session: NDArray[np.int64]
    """For each request the first one of its conversation, shape ``(n,)``."""


class _Row(NamedTuple):
    timestamp_ms: int
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...]


def load_mooncake_jsonl(path: Path) -> LoggedPrefixes:
    """Return the requests of a Mooncake trace.

    The log names no conversations. A request is taken to continue the one that first had the last known block of its
    prompt, where more than the first block is known: that one is the common system prompt.

    Raises ProblemError, naming the file and the line, for a file that cannot be read, a line that is no JSON object
    with the four columns, a length outside ``[1, 2^20]`` tokens, hash ids that do not fit the length or that stand for
    two prefixes, a time before the one above, or a file of under 100 requests.
    """
    rows: list[_Row] = []
    before: dict[int, int] = {}
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    row = _parsed(line)
                    _chain(row.blocks, before)
                    if rows and row.timestamp_ms < rows[-1].timestamp_ms:
                        raise ValueError("expected arrivals in order of time, got an earlier one")
                except ValueError as error:
                    raise ProblemError(f"trace {path}, line {number}: {error}") from error
                rows.append(row)
    except OSError as error:
        raise ProblemError(f"trace {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProblemError(f"trace {path}: not a text file: {error}") from error
    if len(rows) < MIN_REQUESTS:
        raise ProblemError(f"trace {path}: expected at least {MIN_REQUESTS} requests, got {len(rows)}")
    times, prompts, outputs, blocks = zip(*rows, strict=True)
    requests = LoggedRequests(
        (np.array(times, dtype=np.float64) - times[0]) / 1000.0,
        np.array(prompts, dtype=np.int64),
        np.array(outputs, dtype=np.int64),
    )
    return LoggedPrefixes(requests, blocks, _sessions(blocks))


def _parsed(line: str) -> _Row:
    """Return one line's request. Raises ValueError."""
    try:
        told = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not a JSON object: {error}") from error
    if not isinstance(told, dict) or any(column not in told for column in COLUMNS):
        raise ValueError(f"expected an object with {', '.join(COLUMNS)}, got {line.strip()[:80]!r}")
    prompt = _whole(told, "input_length", 1, LONGEST_TOKENS)
    output = _whole(told, "output_length", 1, LONGEST_TOKENS)
    ids = told["hash_ids"]
    if not isinstance(ids, list) or not all(type(each) is int and 0 <= each <= LARGEST_ID for each in ids):
        raise ValueError(f"hash_ids must be a list of whole numbers from 0 to 2^53, got {str(ids)[:80]}")
    if len(ids) != -(-prompt // MOONCAKE_BLOCK_TOKENS):
        raise ValueError(
            f"expected {-(-prompt // MOONCAKE_BLOCK_TOKENS)} hash_ids for an input_length of {prompt}, got {len(ids)}"
        )
    return _Row(_whole(told, "timestamp", 0, LARGEST_ID), prompt, output, tuple(ids))


def _whole(told: dict[str, Any], name: str, low: int, high: int) -> int:
    value = told[name]
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    return value


def _chain(blocks: tuple[int, ...], before: dict[int, int]) -> None:
    """Note which id each of ``blocks`` follows. Raises ValueError where it has followed another."""
    last = -1
    for block in blocks:
        if before.setdefault(block, last) != last:
            raise ValueError(f"hash id {block} follows other ids than before; an id must stand for one prefix")
        last = block


def _sessions(blocks: tuple[tuple[int, ...], ...]) -> NDArray[np.int64]:
    owner: dict[int, int] = {}
    sessions = np.empty(len(blocks), dtype=np.int64)
    for request, row in enumerate(blocks):
        known = next((place for place, block in enumerate(row) if block not in owner), len(row))
        sessions[request] = session = owner[row[known - 1]] if known > 1 else request
        for block in row[known:]:
            owner[block] = session
    return sessions
