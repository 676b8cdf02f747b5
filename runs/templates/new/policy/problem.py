"""Which object should a full cache evict? A *policy*: the design is asked again and again, one decision at a time.

The world below runs in the judge's own process. The design runs in a sandbox, sees what ``INTERFACE`` shows it and
answers; it never holds the trace, the future or the score. Replace the world by yours, and keep the shape.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random

from speciate import (
    Answer,
    Argument,
    Descriptor,
    Hook,
    Measurement,
    Objective,
    Policy,
    PolicyInterface,
    Problem,
    ProblemError,
    Quantity,
    Record,
    Split,
    Workload,
)

SLOTS = 16
"""Objects that the cache holds."""
OBJECTS = 240
"""Objects that are asked for again and again; a scan asks for others once."""
REQUESTS = 1000
"""Length of one trace."""

# What the design sees, in this order, as plain numbers; `measure` below sends exactly these.
CACHE = Record(
    name="Cache",
    quantities=(
        Quantity(name="now", unit="requests", about="requests so far"),
        Quantity(name="wanted_before", unit="requests", about="how often the object to be stored was asked for before"),
    ),
)
SLOT = Record(
    name="Slot",
    quantities=(
        Quantity(name="index", about="what to answer to evict this object"),
        Quantity(name="age", unit="requests", about="since it was stored"),
        Quantity(name="idle", unit="requests", about="since it was asked for last"),
        Quantity(name="hits", unit="hits", about="since it was stored"),
        Quantity(name="asked", unit="requests", about="how often it was ever asked for"),
    ),
)
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="evict",
            arguments=(Argument(name="cache", record=CACHE, table="slots", row=SLOT),),
            answer=Answer(kind="integer", low=0, high="rows-1"),
            about="Called when an object must be stored and all slots are taken. Answer whose place it takes.",
        ),
    ),
)


def problem(options: Mapping[str, str]) -> "Caching":
    """Return the problem. Options come from ``--option KEY=VALUE``; this one has none."""
    if options:
        raise ProblemError(f"unknown option {sorted(options)[0]!r}; this problem has none")
    return Caching()


class Caching(Problem[Policy]):
    """Keep the miss ratio low."""

    name = "NEW-PROBLEM"
    title = "Which object a full cache evicts"
    version = "1"
    objective = Objective(name="miss ratio", unit="share")
    # Two measured behaviours: the search keeps the best design of every kind, not only the best of all.
    descriptors = (
        Descriptor(name="victim_idle", low=0.0, high=1.0, bins=8, about="rank of the victim by idleness; 1 is LRU"),
        Descriptor(name="victim_hit", low=0.0, high=1.0, bins=6, about="share of victims that had given a hit"),
    )
    interface = INTERFACE

    def workloads(self, split: Split) -> Sequence[Workload]:
        """The search sees `train`; `validation` chooses the champion; `heldout` is opened for the report only."""
        first, seeds = {"train": (1, 3), "validation": (101, 4), "heldout": (1001, 8)}[split]
        scans = (0.1, 0.3, 0.6) if split == "heldout" else (0.1, 0.3)  # a setting that the search never met
        return tuple(
            Workload(name=f"{split}/scan{scan}/seed{seed}", split=split, seed=seed, params={"scan": scan})
            for scan in scans
            for seed in range(first, first + seeds)
        )

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Run one trace. Everything here is trusted; only ``evict`` asks the design."""
        policy.begin(SLOTS)  # the design's module runs afresh; SLOTS rows are in its table
        evict = policy.hook("evict")
        slot_of: dict[int, int] = {}
        held = [0] * SLOTS
        stored, used, hits = [0] * SLOTS, [0] * SLOTS, [0] * SLOTS
        asked: Counter[int] = Counter()
        misses = evictions = idle_rank = hit_victims = 0
        for now, wanted in enumerate(trace(workload)):
            slot = slot_of.get(wanted)
            if slot is None:
                misses += 1
                slot = len(slot_of)
                if slot == SLOTS:
                    observed = [float(now), float(asked[wanted])]
                    for each in range(SLOTS):
                        observed += [each, now - stored[each], now - used[each], hits[each], asked[held[each]]]
                    slot = int(evict(observed))  # already checked against `Answer`
                    evictions += 1
                    idle_rank += sum(last > used[slot] for last in used)
                    hit_victims += hits[slot] > 0
                    del slot_of[held[slot]]
                slot_of[wanted], held[slot], stored[slot], hits[slot] = slot, wanted, now, 0
            else:
                hits[slot] += 1
            used[slot] = now
            asked[wanted] += 1
        return Measurement(
            workload=workload.name,
            objective=misses / REQUESTS,
            metrics={"evictions": evictions},
            descriptors={
                "victim_idle": idle_rank / evictions / (SLOTS - 1),
                "victim_hit": hit_victims / evictions,
            },
            feedback=f"{misses} of {REQUESTS} requests missed; {hit_victims} of {evictions} victims had given hits.",
        )

    def bound(self, workload: Workload) -> float:
        """No policy misses less often than one that knows the future; a score below this is an alarm."""
        return least_misses(tuple(trace(workload))) / REQUESTS


@lru_cache(maxsize=256)
def _popularity(seed: int) -> tuple[int, ...]:
    objects = list(range(OBJECTS))
    Random(f"popularity {seed}").shuffle(objects)
    return tuple(objects)


def trace(workload: Workload) -> Sequence[int]:
    """Return the objects that are asked for: a few are popular, popularity drifts, and scans pass through."""
    rng, scan_share = Random(workload.seed), float(workload.params["scan"])
    order, found, scan = list(_popularity(workload.seed)), [], OBJECTS
    weights = [1 / (rank + 1) ** 1.1 for rank in range(OBJECTS)]
    while len(found) < REQUESTS:
        if rng.random() < scan_share / 12:
            found += range(scan, scan + 12)  # objects that nobody asks for twice
            scan += 12
        else:
            found.append(order[rng.choices(range(OBJECTS), weights)[0]])
        if rng.random() < 0.1:
            risen = order.pop(rng.randrange(OBJECTS))
            order.insert(rng.randrange(20), risen)
    return found[:REQUESTS]


@lru_cache(maxsize=256)
def least_misses(wanted: tuple[int, ...]) -> int:
    """Return the misses of Belady's rule: evict what is asked for again last (optimal for objects of one size)."""
    following, next_use = [0] * len(wanted), dict[int, int]()
    for now in reversed(range(len(wanted))):
        following[now] = next_use.get(wanted[now], len(wanted))
        next_use[wanted[now]] = now
    held: dict[int, int] = {}
    misses = 0
    for now, each in enumerate(wanted):
        if each not in held:
            misses += 1
            if len(held) == SLOTS:
                del held[max(held, key=lambda one: held[one])]
        held[each] = following[now]
    return misses
