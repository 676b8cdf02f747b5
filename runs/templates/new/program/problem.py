"""In which order should a robot fetch its cartridges? A *program*: the whole design is run, reads stdin and prints.

Each run is a fresh process in a sandbox without network or files of yours. What it prints is read and *checked*
here, in the judge's own process, before it counts: a wrong answer is ``Incorrect``, never a good score.

Another language? C++, for instance: ``ProgramInterface(language="c++", entry="main.cpp", build=("g++", "-O2", "-o",
"main", "{entry}"), run=("./main",))``, and a seed and baselines in ``.cpp`` files.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import dist
from random import Random

from speciate import (
    Descriptor,
    Incorrect,
    Limits,
    Measurement,
    Objective,
    Problem,
    ProblemError,
    Program,
    ProgramInterface,
    Split,
    Workload,
)

SHELF = 1000
"""Width and height of the shelves; the robot starts and ends at (0, 0)."""

Point = tuple[int, int]


def problem(options: Mapping[str, str]) -> "Fetching":
    """Return the problem. Options come from ``--option KEY=VALUE``; this one has none."""
    if options:
        raise ProblemError(f"unknown option {sorted(options)[0]!r}; this problem has none")
    return Fetching()


class Fetching(Problem[Program]):
    """Keep the way short."""

    name = "NEW-PROBLEM"
    title = "In which order a robot fetches"
    version = "1"
    objective = Objective(name="length of the way", unit="x lower bound")
    # Two measured behaviours: the search keeps the best design of every kind, not only the best of all.
    descriptors = (
        Descriptor(name="longest_leg", low=1.0, high=13.0, bins=8, about="longest leg over the mean leg"),
        Descriptor(name="nearest_share", low=0.0, high=1.0, bins=8, about="share of legs to the nearest one left"),
    )
    interface = ProgramInterface(
        about="It reads the places of the cartridges on stdin, two whole numbers a line. It prints their numbers (from "
        "0 on, in the order of the input), one a line, in the order in which they are fetched. The way starts and ends "
        "at (0, 0).",
    )
    limits = Limits(wall_s=10.0, cpu_s=5.0)

    def workloads(self, split: Split) -> Sequence[Workload]:
        """The search sees `train`; `validation` chooses the champion; `heldout` is opened for the report only."""
        first, seeds = {"train": (1, 4), "validation": (101, 5), "heldout": (1001, 10)}[split]
        groups = (1, 6, 3) if split == "heldout" else (1, 6)  # one that the search never met
        return tuple(
            Workload(name=f"{split}/groups{count}/seed{seed}", split=split, seed=seed, params={"groups": count})
            for count in groups
            for seed in range(first, first + seeds)
        )

    def measure(self, program: Program, workload: Workload) -> Measurement:
        """Run the program once, check its answer and measure the way."""
        places = instance(workload)
        ran = program.run("".join(f"{x} {y}\n" for x, y in places).encode())
        order = checked(ran.text, len(places))
        way = [(0, 0), *(places[number] for number in order), (0, 0)]
        legs = [dist(here, there) for here, there in pairwise(way)]
        return Measurement(
            workload=workload.name,
            objective=sum(legs) / least_way(places),
            metrics={"way": sum(legs), "cpu_s": ran.cpu_s},
            descriptors={"longest_leg": max(legs) * len(legs) / sum(legs), "nearest_share": nearest_share(way)},
            feedback=f"A way of {sum(legs):.0f}; its longest leg is {max(legs):.0f}.",
        )

    def bound(self, workload: Workload) -> float:
        """No way is shorter than what every place needs for one leg in and one leg out."""
        return 1.0


def instance(workload: Workload) -> list[Point]:
    """Return the places: so many groups, or all over the shelves where there is one. No two are the same."""
    rng, places = Random(workload.seed), dict[Point, None]()
    groups = int(workload.params["groups"])
    centres = [(rng.randint(0, SHELF), rng.randint(0, SHELF)) for _ in range(groups)]
    while len(places) < 80:
        x, y = rng.randint(0, SHELF), rng.randint(0, SHELF)
        if groups > 1:
            centre = rng.choice(centres)
            x, y = (min(SHELF, max(0, round(rng.gauss(middle, SHELF / 14)))) for middle in centre)
        if (x, y) != (0, 0):
            places[x, y] = None
    return list(places)


def checked(text: str, count: int) -> list[int]:
    """Return the order. Raises Incorrect unless every number is there once."""
    words = text.split()
    wrong = next((word for word in words if not (word.isascii() and word.isdigit() and len(word) < 9)), None)
    if wrong is not None:
        raise Incorrect(f"expected numbers of cartridges, got {wrong[:40]!r}")
    order = [int(word) for word in words]
    if sorted(order) != list(range(count)):
        raise Incorrect(f"expected each number from 0 to {count - 1} once, got {len(order)} numbers")
    return order


def least_way(places: Sequence[Point]) -> float:
    """Return a length that no way can be shorter than: half of every place's distances to its two nearest."""
    stops = [(0, 0), *places]
    return sum(sum(sorted(dist(here, there) for there in stops)[1:3]) for here in stops) / 2


def nearest_share(way: Sequence[Point]) -> float:
    """Return the share of legs that go to a nearest place of those not fetched yet."""
    legs = range(len(way) - 2)
    nearest = sum(
        dist(way[leg], way[leg + 1]) <= min(dist(way[leg], there) for there in way[leg + 1 : -1]) for leg in legs
    )
    return nearest / len(legs)
