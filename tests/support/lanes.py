"""A problem that is judged in milliseconds: jobs choose between lanes of different speed.

It is a folder-less problem for ``speciate run PATH``: a real policy over the boundary, three splits, two
descriptors and three baselines, small enough for tests of everything around it.
"""

from collections.abc import Mapping, Sequence
from random import Random

from speciate.evaluators import (
    Answer,
    Argument,
    Baseline,
    Candidate,
    Descriptor,
    Hook,
    Limits,
    Measurement,
    Objective,
    Parameter,
    Policy,
    PolicyInterface,
    PolicyProbe,
    ProbeCall,
    Problem,
    ProblemError,
    Quantity,
    RealTest,
    Record,
    Split,
    Workload,
)

SPEEDS = (1.0, 0.5, 2.5)
JOBS = 120

JOB = Record(name="Job", quantities=(Quantity(name="size", unit="s"), Quantity(name="arrival", unit="s")))
YARD = Record(name="Yard", quantities=(Quantity(name="now", unit="s"),))
LANE = Record(
    name="Lane",
    quantities=(
        Quantity(name="index"),
        Quantity(name="speed", unit="x"),
        Quantity(name="backlog", unit="s", about="seconds until the lane is free"),
        Quantity(name="jobs", unit="jobs", about="sent here so far"),
    ),
)

INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="choose",
            arguments=(
                Argument(name="job", record=JOB),
                Argument(name="yard", record=YARD, table="lanes", row=LANE),
            ),
            answer=Answer(kind="integer", low=0, high="rows-1"),
            about="Which lane takes the job.",
        ),
    ),
)

FIRST = "def choose(job, yard):\n    return 0\n"
SHORTEST = '''"""Least backlog."""

WEIGHT = 1.0


def choose(job, yard):
    best, least = 0, 1e300
    for lane in yard.lanes:
        score = WEIGHT * lane.backlog
        if score < least:
            best, least = lane.index, score
    return best
'''
EARLIEST = '''"""Earliest finish."""

POWER = 0.6


def choose(job, yard):
    best, least = 0, 1e300
    for lane in yard.lanes:
        score = lane.backlog + job.size / lane.speed**POWER
        if score < least:
            best, least = lane.index, score
    return best
'''


def problem(options: Mapping[str, str]) -> "Lanes":
    """Return the problem.

    Option ``seeds`` is the number of seeds a split, ``workloads`` cuts a split short, ``trace`` must be readable.
    """
    unknown = set(options) - {"seeds", "trace", "workloads"}
    if unknown:
        raise ProblemError(f"unknown option {sorted(unknown)[0]!r}; expected seeds, trace or workloads")
    if "trace" in options:
        try:
            with open(options["trace"], encoding="utf-8") as file:
                file.readline()
        except OSError as error:
            raise ProblemError(f"{options['trace']}: cannot be read: {error.strerror}") from error
    most = int(options["workloads"]) if "workloads" in options else None
    return Lanes(int(options.get("seeds", "3")), most)


class Lanes(Problem[Policy]):
    """Mean time in the yard."""

    name = "lanes"
    title = "Jobs to lanes of different speed"
    family = "toy"
    version = "1"
    objective = Objective(name="mean sojourn", unit="s")
    descriptors = (
        Descriptor(name="fast_share", low=0.0, high=1.0, bins=6, unit="share"),
        Descriptor(name="imbalance", low=0.0, high=1.0, bins=5, unit="share"),
    )
    interface = INTERFACE
    limits = Limits(wall_s=20.0, cpu_s=10.0)

    def __init__(self, seeds: int, most: int | None = None):
        self.seeds = seeds
        self.most = most

    def seed(self) -> Candidate:
        return Candidate.from_source(SHORTEST)

    def baselines(self) -> Sequence[Baseline]:
        return (
            Baseline(name="first-lane", title="All to one", candidate=Candidate.from_source(FIRST), control=True),
            Baseline(
                name="least-backlog",
                title="Least backlog",
                candidate=Candidate.from_source(SHORTEST),
                source="folklore",
                parameters=(Parameter(name="WEIGHT", low=0.1, high=10.0, log=True),),
            ),
            Baseline(
                name="earliest-finish",
                title="Earliest finish",
                candidate=Candidate.from_source(EARLIEST),
                source="folklore",
                parameters=(Parameter(name="POWER", low=0.0, high=2.0),),
            ),
        )

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 1, "validation": 101, "heldout": 1001}[split]
        return tuple(
            Workload(name=f"{split}/load{load}/seed{seed}", split=split, seed=seed, params={"load": load})
            for load in (0.7, 0.9)
            for seed in range(first, first + self.seeds)
        )[: self.most]

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        rng = Random(workload.seed)
        policy.begin(len(SPEEDS))
        choose = policy.hook("choose")
        free, sent, now, total = [0.0] * len(SPEEDS), [0] * len(SPEEDS), 0.0, 0.0
        rate = float(workload.params["load"]) * sum(SPEEDS)
        for _ in range(JOBS):
            now += rng.expovariate(rate)
            size = rng.expovariate(1.0)
            observed = [size, now, now]
            for index, speed in enumerate(SPEEDS):
                observed += [index, speed, max(0.0, free[index] - now), sent[index]]
            lane = int(choose(observed))
            free[lane] = max(free[lane], now) + size / SPEEDS[lane]
            sent[lane] += 1
            total += free[lane] - now
        return Measurement(
            workload=workload.name,
            objective=total / JOBS,
            metrics={"mean_s": total / JOBS, "last_s": max(free) - now},
            descriptors={"fast_share": sent[2] / JOBS, "imbalance": (max(sent) - min(sent)) / JOBS},
        )

    def score(self, measurements: Sequence[Measurement]) -> float:
        return sum(m.objective for m in measurements) / len(measurements)

    def bound(self, workload: Workload) -> float | None:
        return None

    def real(self) -> RealTest[Policy]:
        from support.real_lanes import LanesTest  # here: others load this file by its path

        return LanesTest(self)

    def brief(self) -> str:
        return "Send each job to the lane that keeps the mean time in the yard low."

    def probe(self) -> PolicyProbe:
        rng = Random(7)
        calls = []
        for _ in range(40):
            values = [rng.random() * 3, 10.0, 10.0]
            for index, speed in enumerate(SPEEDS):
                values += [float(index), speed, rng.random() * 5, float(rng.randrange(20))]
            calls.append(ProbeCall("choose", tuple(values)))
        return PolicyProbe(rows=len(SPEEDS), calls=tuple(calls))
