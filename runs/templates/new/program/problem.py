"""Pack items into bins. A *program*: the whole design is run, reads stdin and prints its answer.

Each run is a fresh process in a sandbox without network or files of yours. What it prints is read and *checked*
here, in the judge's own process, before it counts: a wrong answer is ``Incorrect``, never a good score.

Another language? C++, for instance: ``ProgramInterface(language="c++", entry="main.cpp", build=("g++", "-O2", "-o",
"main", "{entry}"), run=("./main",))``, and a seed and baselines in ``.cpp`` files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from speciate import (
    Baseline,
    Candidate,
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
    load_baselines,
)

HERE = Path(__file__).parent
CAPACITY = 1000


def problem(options: Mapping[str, str]) -> "Packing":
    """Return the problem. Options come from ``--option KEY=VALUE``; this one has none."""
    if options:
        raise ProblemError(f"unknown option {sorted(options)[0]!r}; this problem has none")
    return Packing()


class Packing(Problem[Program]):
    """Use few bins."""

    name = "NEW-PROBLEM"
    title = "Items into bins"
    version = "1"  # raise it whenever a score could change
    objective = Objective(name="bins", unit="x lower bound")
    # Two measured behaviours: the search keeps the best design of every kind, not only the best of all.
    descriptors = (
        Descriptor(name="fill_spread", low=0.0, high=0.4, bins=8, about="standard deviation of how full the bins are"),
        Descriptor(name="items_spread", low=0.0, high=2.0, bins=6, about="likewise of how many items they hold"),
    )
    interface = ProgramInterface(
        about="It reads whole numbers on stdin: the capacity of a bin, then the sizes of the items. It prints the "
        "number of each item's bin (from 0 on), one a line, in the order of the items. No bin may be overfull.",
    )
    limits = Limits(wall_s=10.0, cpu_s=5.0)

    def seed(self) -> Candidate:
        """Where the search starts."""
        return Candidate.from_source((HERE / "seed.py").read_text(encoding="utf-8"), path=self.interface.entry)

    def baselines(self) -> Sequence[Baseline]:
        """What it has to beat: the files in ``baselines/``; ``speciate tune`` tunes their constants."""
        return load_baselines(HERE / "baselines", entry=self.interface.entry)

    def workloads(self, split: Split) -> Sequence[Workload]:
        """The search sees `train`; `validation` chooses the champion; `heldout` is opened for the report only."""
        first, seeds = {"train": (1, 3), "validation": (101, 4), "heldout": (1001, 8)}[split]
        kinds = ("mixed", "triplets", "small") if split == "heldout" else ("mixed", "triplets")  # one it never met
        return tuple(
            Workload(name=f"{split}/{sizes}/seed{seed}", split=split, seed=seed, params={"sizes": sizes})
            for sizes in kinds
            for seed in range(first, first + seeds)
        )

    def measure(self, program: Program, workload: Workload) -> Measurement:
        """Run the program once, check its answer and count the bins."""
        items = instance(workload)
        ran = program.run("\n".join(map(str, [CAPACITY, *items])).encode())
        fill, count = checked(ran.text, items)
        least = lower_bound(items)
        return Measurement(
            workload=workload.name,
            objective=len(fill) / least,
            metrics={"bins": float(len(fill)), "cpu_s": ran.cpu_s},
            descriptors={"fill_spread": spread(fill) / CAPACITY, "items_spread": spread(count)},
            feedback=f"{len(items)} items took {len(fill)} bins; no packing takes fewer than {least}.",
        )

    def bound(self, workload: Workload) -> float:
        """No packing takes fewer bins than the items fill when cut at will."""
        return 1.0


def instance(workload: Workload) -> list[int]:
    """Return the sizes: three that fill a bin to the brim, shuffled; or evenly mixed ones, or smaller such."""
    rng, items = Random(workload.seed), list[int]()
    ranges = {"mixed": (150, 600), "small": (80, 400)}
    while len(items) < 120:
        if workload.params["sizes"] in ranges:
            items.append(rng.randint(*ranges[str(workload.params["sizes"])]))
        else:
            first, second = rng.randint(350, 480), rng.randint(200, 300)
            items += [first, second, CAPACITY - first - second]
    rng.shuffle(items)
    return items


def checked(text: str, items: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return how full each used bin is and how many items it holds. Raises Incorrect for anything but a packing."""
    words = text.split()
    if len(words) != len(items):
        raise Incorrect(f"expected {len(items)} bin numbers, one for each item, got {len(words)}")
    fill: dict[int, int] = {}
    count: dict[int, int] = {}
    for item, word in zip(items, words, strict=True):
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise Incorrect(f"expected the number of a bin, got {word[:40]!r}")
        fill[int(word)] = fill.get(int(word), 0) + item
        count[int(word)] = count.get(int(word), 0) + 1
    fullest = max(fill, key=lambda number: fill[number])
    if fill[fullest] > CAPACITY:
        raise Incorrect(f"bin {fullest} holds {fill[fullest]}, its capacity is {CAPACITY}")
    return list(fill.values()), list(count.values())


def lower_bound(items: Sequence[int]) -> int:
    """Return a number of bins that no packing can do without."""
    return -(-sum(items) // CAPACITY)


def spread(values: Sequence[int]) -> float:
    """Return the standard deviation."""
    mean = sum(values) / len(values)
    return float((sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5)
