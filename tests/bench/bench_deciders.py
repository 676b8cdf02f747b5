"""Requests a CPU-second where a serving simulation asks a scheduler or a scaler, both in-process.

Run it as ``python tests/bench/bench_deciders.py``. Goal: at least 20,000 each at a stable load, with caches swapped to
the host, and with a fleet that grows and shrinks. The best of several runs counts: the others were disturbed.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from serving_support import FirstCome, Tracking, sharegpt_like
from speciate.simulators.serving import (
    FleetSpec,
    HostMemory,
    Promises,
    Server,
    a10_replica,
    capacity,
    simulate_fleet,
    simulate_schedule,
)

GOAL = 20_000
REQUESTS = 4_000
LOADS = (0.7, 0.8)
"""Of the capacity, first come first served."""
FLEET = FleetSpec(most=12, first=8, start_s=30.0)
REPEATS = 7


def cpu_s(run: Callable[[], object]) -> float:
    """Return the least CPU seconds of ``REPEATS`` runs."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print a line a kind and load."""
    one = capacity([a10_replica()], sharegpt_like(1.0, 2000, 7))
    server = Server(a10_replica(), HostMemory(1000, 0.0003))
    for load in LOADS:
        trace = sharegpt_like(load * one, REQUESTS, 1)
        promises = Promises(np.full(REQUESTS, 2.0), np.full(REQUESTS, 0.1))
        scheduler = FirstCome(chunk=512, swap=1.0)
        seconds = cpu_s(partial(simulate_schedule, server, trace, promises, scheduler))
        result = simulate_schedule(server, trace, promises, scheduler)
        asked = sum(result.tally[name] for name in ("ranks", "chunks", "evicts"))
        print(
            f"one engine, load {load:.0%}: {REQUESTS / seconds:,.0f} requests/CPU-s, {result.events / seconds:,.0f} "
            f"events/CPU-s, {asked:,} decisions, {result.tally['swaps']} swaps"
        )
    for load in LOADS:
        trace = sharegpt_like(load * one * FLEET.first, REQUESTS, 1)
        promised = (2.0 + 0.1 * trace.output_tokens).tolist()
        seconds = cpu_s(partial(simulate_fleet, a10_replica(), FLEET, trace, promised, Tracking(20.0)))
        print(
            f"a fleet of up to {FLEET.most}, load {load:.0%} of {FLEET.first}: {REQUESTS / seconds:,.0f} requests/CPU-s"
        )
    print(f"goal: {GOAL:,} requests/CPU-s")


if __name__ == "__main__":
    main()
