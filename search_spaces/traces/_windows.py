"""Workloads cut from a log: windows of its requests, their time stretched to a load of one's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from speciate.evaluators import ProblemError, Split
from speciate.simulators.serving import Trace

from ._azure import LoggedRequests
from ._generators import predict

MIN_WINDOW = 200
"""Requests."""
SHARES: dict[Split, tuple[float, float]] = {"train": (0.0, 0.4), "validation": (0.4, 0.6), "heldout": (0.6, 1.0)}
"""Which part of a log, by request count, each split is cut from: they never overlap."""


class Window(NamedTuple):
    """Some requests of a log, one after another."""

    first: int
    size: int


def windows(path: Path, log: LoggedRequests, split: Split, *, count: int, size: int) -> Sequence[Window]:
    """Return up to ``count`` windows of up to ``size`` requests, evenly spaced over the split's part of a log.

    Raises ProblemError where the log is too short for two of them.
    """
    share = SHARES[split]
    total = len(log.arrival_s)
    first, last = (int(each * total) for each in share)
    count = min(count, (last - first) // MIN_WINDOW)
    if count < 2:
        raise ProblemError(
            f"trace {path}: its {split} part must give two windows of {MIN_WINDOW} requests; "
            f"expected at least {int(2 * MIN_WINDOW / (share[1] - share[0]))} requests in the file, got {total}"
        )
    size = min(size, (last - first) // count)
    stride = (last - first - size) // max(1, count - 1)
    return [Window(first + at * stride, size) for at in range(count)]


def cut(log: LoggedRequests, window: Window, *, rate: float, sigma: float) -> Trace:
    """Return one window of the log, its time stretched to ``rate`` requests a second, predictions drawn anew.

    Raises ProblemError where all its requests arrive at once.
    """
    span = slice(window.first, window.first + window.size)
    arrival = log.arrival_s[span] - log.arrival_s[window.first]
    if arrival[-1] <= 0.0:
        raise ProblemError(f"requests {window.first} to {window.first + window.size} of the trace arrive at once")
    output = log.output_tokens[span]
    return Trace(
        arrival_s=arrival * ((window.size - 1) / rate / arrival[-1]),
        prompt_tokens=log.prompt_tokens[span],
        output_tokens=output,
        predicted_output=predict(output, sigma, int(output.max()), np.random.default_rng((window.first, 7))),
    )
