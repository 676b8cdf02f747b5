"""Events of one run that an inventor should see: where time is lost, and the requests that lost the most."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from speciate.simulators.serving import Result

SHOWN = 5
"""Requests told of."""
_APART = 0.05
"""Least distance of the arrivals of two that are told of, as a share of all arrivals: a burst is told of once."""


class Phase(NamedTuple):
    """A part of a request's life."""

    name: str
    lost_to: str
    """Why it is long, where it is."""
    seconds: npt.NDArray[np.float64]
    """Shape (n,), one for each request."""


def excerpt(result: Result) -> tuple[str, ...]:
    """Return where the latency of a run goes, and the worst requests: where placed, beside whom, lost to what."""
    phases = _phases(result)
    means = ", ".join(f"{phase.name} {phase.seconds.mean():.2f}" for phase in phases)
    alone = result.isolated_s.mean()
    head = f"mean latency by phase, s: {means}; a request alone on its replica would take {alone:.2f} in all"
    return (head, *(_line(result, phases, request) for request in _worst(result)))


def _phases(result: Result) -> tuple[Phase, ...]:
    placed, admitted, first = result.placed_s, result.admitted_s, result.first_token_s
    return (
        Phase("held centrally", "the central queue", placed - result.arrival_s),
        Phase("queued at its replica", "its replica's queue", admitted - placed),
        Phase("prefill", "a prefill beside much other work", first - admitted),
        Phase("decode", "a slow or preempted decode", result.finish_s - first),
    )


def _worst(result: Result) -> Iterator[int]:
    """Yield the requests that lost the most seconds against being alone, the worst first, each of another time."""
    lost = result.latency_s - result.isolated_s
    apart = _APART * float(result.arrival_s[-1] - result.arrival_s[0])
    found: list[int] = []
    for request in np.argsort(-lost, kind="stable"):
        if all(abs(result.arrival_s[request] - result.arrival_s[other]) > apart for other in found):
            found.append(int(request))
            yield found[-1]
            if len(found) == SHOWN:
                return


def _line(result: Result, phases: Sequence[Phase], request: int) -> str:
    replica, placed = int(result.replica[request]), float(result.placed_s[request])
    parts = [float(phase.seconds[request]) for phase in phases]
    # The last phases take their time for a request alone too; what is above it is lost.
    parts[-1] = max(0.0, parts[-1] - float(result.isolated_s[request]))
    blame = phases[int(np.argmax(parts))].lost_to
    preempted = f", preempted {int(result.preemptions[request])}x" if result.preemptions[request] else ""
    tokens = f"{int(result.trace.prompt_tokens[request])}+{int(result.trace.output_tokens[request])} tokens"
    took = f"{float(result.latency_s[request]):.1f} s, alone {float(result.isolated_s[request]):.1f} s"
    after = placed - float(result.arrival_s[request])
    beside = _beside(result, placed)
    return (
        f"request {request} ({tokens}) took {took}{preempted}: lost in {blame}; "
        f"placed on {replica} after {after:.1f} s, when replicas had queued+running {beside}"
    )


def _beside(result: Result, moment: float) -> str:
    """Return how many requests were queued and running on each replica at a moment."""
    count = len(result.specs)
    here = result.placed_s < moment
    waiting = here & (result.admitted_s >= moment)
    busy = here & (result.admitted_s < moment) & (result.finish_s > moment)
    queued, running = (np.bincount(result.replica[chosen], minlength=count) for chosen in (waiting, busy))
    return ", ".join(f"{index}: {queued[index]}+{running[index]}" for index in range(count))
