"""Five small worlds in which a function of a few numbers decides; standard library only.

Each is one problem for every framework: the same code scores a program wherever it runs. Scores lie between 0 and
100, higher is better, and depend on the program and the workload's seed alone. Programs that fail score nothing.
"""

import math
from collections import namedtuple
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

Decide = Callable[[Any], float]
"""The program's function, checked: it takes one observation and returns a finite number."""


class Outcome(NamedTuple):
    """What one workload gave."""

    score: float
    traits: tuple[float, float]
    """Two measured behaviours, each from 0 to 1; named in ``Landscape.traits``."""


class Landscape(NamedTuple):
    """One problem."""

    title: str
    function: str
    view: Any
    """The named tuple that the function is shown."""
    about: str
    traits: tuple[str, str]
    seed: str
    simulate: Callable[[Decide, int], Outcome]


def checked(function: Callable[[Any], Any]) -> Decide:
    """Return ``function`` with its answers checked. They raise ValueError where they are no finite number."""

    def decide(view: Any) -> float:
        value = float(function(view))
        if not math.isfinite(value):
            raise ValueError(f"expected a finite number, got {value}")
        return value

    return decide


def score(outcomes: Sequence[Outcome]) -> float:
    """Return the mean score of the workloads."""
    return math.fsum(outcome.score for outcome in outcomes) / len(outcomes)


Bin = namedtuple("Bin", ("item", "left", "pieces", "age"))


def pack(priority: Decide, seed: int) -> Outcome:
    """Items arrive one by one; each goes to the open bin of highest priority that has room, else to a new one."""
    rng = Random(f"pack/{seed}")
    sizes = [rng.choice((rng.uniform(6, 20), rng.uniform(15, 36), rng.uniform(30, 56))) for _ in range(120)]
    bins: list[list[float]] = []  # room left, pieces, number of the item that opened it
    for number, size in enumerate(sizes):
        fitting = [each for each in bins if each[0] >= size]
        if fitting:
            views = [Bin(size, each[0], each[1], float(number - each[2])) for each in fitting]
            chosen = fitting[max(range(len(views)), key=[priority(view) for view in views].__getitem__)]
        else:
            chosen = [100.0, 0.0, float(number)]
            bins.append(chosen)
        chosen[0] -= size
        chosen[1] += 1
    fills = [1 - each[0] / 100 for each in bins]
    full = sum(fill > 0.95 for fill in fills) / len(fills)
    middle = sum(0.5 < fill < 0.8 for fill in fills) / len(fills)
    return Outcome(100 * sum(fill * fill for fill in fills) / len(fills), (full, middle))


Job = namedtuple("Job", ("size", "weight", "waited", "slack", "setup", "queue"))


def schedule(urgency: Decide, seed: int) -> Outcome:
    """One machine, jobs of three families with setups between them, weights and due dates; no preemption."""
    rng = Random(f"schedule/{seed}")
    waiting: list[tuple[float, float, float, float, int]] = []
    jobs, now, arrival = [], 0.0, 0.0
    for _ in range(60):
        arrival += rng.expovariate(0.62)
        size = rng.choice((rng.uniform(0.2, 1.0), rng.uniform(1.0, 3.0)))
        weight = rng.choice((1.0, 1.0, 4.0))
        jobs.append((arrival, size, weight, arrival + size + rng.uniform(1.0, 9.0), rng.randrange(3)))
    ahead, family, cost, late, setups = list(jobs), 0, 0.0, 0, 0
    while ahead or waiting:
        if not waiting:
            now = max(now, ahead[0][0])
        while ahead and ahead[0][0] <= now:
            waiting.append(ahead.pop(0))
        views = [
            Job(size, weight, now - came, due - now, 0.5 * (kind != family), float(len(waiting)))
            for came, size, weight, due, kind in waiting
        ]
        came, size, weight, due, kind = waiting.pop(
            max(range(len(views)), key=[urgency(view) for view in views].__getitem__)
        )
        setups += kind != family
        now += size + 0.5 * (kind != family)
        family = kind
        late += now > due
        cost += weight * (now - came + 2.0 * max(0.0, now - due))
    ideal = sum(size * weight for _, size, weight, _, _ in jobs)
    return Outcome(100 * ideal / cost, (setups / len(jobs), late / len(jobs)))


Entry = namedtuple("Entry", ("size", "cost", "uses", "idle", "age"))


def cache(worth: Decide, seed: int) -> Outcome:
    """Objects of different size and cost of fetching; the entries of least worth go until the next one fits."""
    rng = Random(f"cache/{seed}")
    catalogue = [(rng.choice((1.0, 2.0, 4.0, 8.0)), rng.choice((1.0, 3.0, 9.0))) for _ in range(60)]
    hot = [1 / (rank + 1) ** 0.8 for rank in range(60)]
    held: dict[int, list[float]] = {}  # uses, last use, first use
    room, saved, total, hits, large, gone = 48.0, 0.0, 0.0, 0, 0, 0
    for now in range(260):
        # Every so often a scan passes through the tail, and the popular objects drift.
        scan = now % 65 > 52
        name = (now * 7) % 60 if scan else (rng.choices(range(60), hot)[0] + now // 90 * 5) % 60
        size, cost = catalogue[name]
        total += cost
        if name in held:
            saved, hits = saved + cost, hits + 1
            held[name][0] += 1
            held[name][1] = now
            continue
        while room < size:
            names = list(held)
            worths = [worth(Entry(*catalogue[n], held[n][0], now - held[n][1], now - held[n][2])) for n in names]
            out = names[min(range(len(names)), key=worths.__getitem__)]
            room += catalogue[out][0]
            large, gone = large + (catalogue[out][0] >= 4), gone + 1
            del held[out]
        held[name] = [1.0, now, now]
        room -= size
    return Outcome(100 * saved / total, (hits / 260, large / max(1, gone)))


Point = namedtuple("Point", ("x", "y"))


def approximate(value: Decide, seed: int) -> Outcome:
    """A smooth function of two variables, told by nothing but the error."""
    rng = Random(f"approximate/{seed}")
    squares, over, left = 0.0, 0, 0.0
    for _ in range(60):
        point = Point(rng.uniform(0.0, 4.0), rng.uniform(-2.0, 2.0))
        error = value(point) - (math.sin(1.3 * point.x) * (2.0 - point.y) + 0.8 * point.x + 0.5 * point.y**2)
        square = min(error * error, 1e12)
        squares, over, left = squares + square, over + (error > 0), left + square * (point.x < 1)
    return Outcome(100 / (1 + math.sqrt(squares / 60)), (over / 60, left / squares if squares else 0.5))


Server = namedtuple("Server", ("work", "backlog", "speed", "waiting", "known"))


def route(preference: Decide, seed: int) -> Outcome:
    """Requests of many sessions to four servers of different speed, each of which remembers six sessions."""
    rng = Random(f"route/{seed}")
    speeds = (1.0, 1.6, 0.7, 2.2)
    free, memory, queues = [0.0] * 4, [[] for _ in speeds], [[] for _ in speeds]  # type: ignore[var-annotated]
    now, total, ideal, known, fastest = 0.0, 0.0, 0.0, 0, 0
    for _ in range(130):
        now += rng.expovariate(4.2)
        session, work = rng.randrange(20), rng.expovariate(1.0) + 0.2
        queues = [[done for done in queue if done > now] for queue in queues]
        views = [
            Server(work, max(0.0, free[n] - now), speed, float(len(queues[n])), float(session in memory[n]))
            for n, speed in enumerate(speeds)
        ]
        n = max(range(4), key=[preference(view) for view in views].__getitem__)
        known, fastest = known + (session in memory[n]), fastest + (n == 3)
        took = work * (0.4 if session in memory[n] else 1.0) / speeds[n]
        free[n] = max(free[n], now) + took
        memory[n] = [session, *(each for each in memory[n] if each != session)][:6]
        queues[n].append(free[n])
        total, ideal = total + free[n] - now, ideal + 0.4 * work / max(speeds)
    return Outcome(100 * ideal / total, (known / 130, fastest / 130))


def _program(function: str, argument: str, view: Any, answer: str) -> str:
    names, fields = ", ".join(view._fields), ", ".join(f"{argument}.{field}" for field in view._fields)
    left, right = (f"({names})", f"({fields})") if len(view._fields) > 1 else (names, fields)
    return f"def {function}({argument}):\n    {left} = {right}\n    score = {answer}\n    return score\n"


WORKLOADS = (1, 2)
LANDSCAPES = {
    "packing": Landscape(
        "Items into as few bins as possible, online",
        "priority",
        Bin,
        "Of the bins with room for the item, the one of highest priority takes it.",
        ("full", "middle"),
        _program("priority", "bin", Bin, "left"),
        pack,
    ),
    "scheduling": Landscape(
        "The next job for a machine with setups and due dates",
        "urgency",
        Job,
        "The waiting job of highest urgency runs next.",
        ("setups", "late"),
        _program("urgency", "job", Job, "waited"),
        schedule,
    ),
    "caching": Landscape(
        "What a cache lets go",
        "worth",
        Entry,
        "The entry of least worth leaves the cache.",
        ("hits", "large"),
        _program("worth", "entry", Entry, "1.0 - idle"),
        cache,
    ),
    "approximation": Landscape(
        "A function of two variables, from its error alone",
        "value",
        Point,
        "The value of the unknown function at the point.",
        ("over", "left"),
        _program("value", "point", Point, "x + y"),
        approximate,
    ),
    "routing": Landscape(
        "Requests of sessions to servers of different speed",
        "preference",
        Server,
        "The server of highest preference takes the request.",
        ("known", "fastest"),
        _program("preference", "server", Server, "1.0 - waiting"),
        route,
    ),
}
