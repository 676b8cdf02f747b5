"""What fronts do to a search of two objectives, on landscapes of known shape: python tests/bench/bench_fronts.py

Every arm searches the same landscapes with the same seeds, evaluations, window, and the same blind author: Gaussian
steps from a parent drawn with a bias to the best score. Only from whom a niche goes on differs: from its holder alone
(front 1), or half of the time from any design on its front. What counts is all that was found, kept or not: the
hypervolume of each niche's front, summed, that of the front of all, and the best score. Ten seconds of CPU.
"""

import argparse
import math
import statistics
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from speciate.agent import Elite, Grid
from speciate.agent._fronts import from_front, unbeaten
from speciate.evaluators import Descriptor

DIMENSIONS, EDGE, WINDOW = 6, 3.0, 8
STEP, SHARE = 0.5, 0.4
"""Standard deviation of a step, and the share of coordinates that it moves."""
AXES = tuple(Descriptor(name=name, low=-EDGE, high=EDGE, bins=4) for name in ("first", "second"))
FRONTS = (1, 8)


class Landscape(NamedTuple):
    """Two objectives, minimised."""

    score: Callable[[Sequence[float]], float]
    further: Callable[[Sequence[float]], float]
    worst: tuple[float, float]
    """What a hypervolume is measured from."""


def rastrigin(x: Sequence[float]) -> float:
    """Many valleys, the deepest at 0."""
    return sum(v * v - 3 * math.cos(2 * math.pi * v) + 3 for v in x)


LANDSCAPES = {
    "two spheres": Landscape(lambda x: sum((v - 1) ** 2 for v in x), lambda x: sum((v + 1) ** 2 for v in x), (60, 60)),
    "rastrigin, small": Landscape(rastrigin, lambda x: sum(abs(v - 1.5) for v in x), (60, 25)),
    "valley, depth": Landscape(
        lambda x: sum(v * v for v in x[:3]) + 0.1 * sum(abs(v) for v in x[3:]),
        lambda x: rastrigin(x[3:]) + 0.5 * sum((v - 1) ** 2 for v in x[:3]),
        (30, 60),
    ),
}


class Found(NamedTuple):
    """What a search came to."""

    niches: float
    """Hypervolume of the niches' fronts, summed, in shares of what can be."""
    all: float
    """Of the front of all."""
    best: float


def search(landscape: Landscape, front: int, evaluations: int, seed: int) -> Found:
    """Search; ticket t sees the archive as of commit t - window + 1."""
    rng, grid = Random(seed), Grid(AXES, front)
    points: list[list[float]] = [[2.5 * (-1) ** place for place in range(DIMENSIONS)]]
    found: list[Elite] = []

    def commit() -> None:
        number = len(found)
        point = points[number]
        score, further = landscape.score(point), (landscape.further(point),)
        entry = grid.insert(number, score, {"first": point[0], "second": point[1]}, further)
        found.append(Elite(number, entry.cell, score, further))

    commit()
    while len(points) < evaluations:
        if len(points) - len(found) >= WINDOW:
            commit()
        view = grid.view(len(found))
        parent = from_front(view, view.elites[int(len(view.elites) * rng.random() ** 2)], rng)
        steps = [rng.gauss(0, STEP) * (rng.random() < SHARE) for _ in range(DIMENSIONS)]
        moved = (value + step for value, step in zip(points[parent.ticket], steps, strict=True))
        points.append([max(-EDGE, min(EDGE, value)) for value in moved])
    while len(found) < evaluations:
        commit()
    niches = [[elite for elite in found if elite.cell == cell] for cell in range(grid.cells)]
    summed = math.fsum(hypervolume(niche, landscape.worst) for niche in niches)
    return Found(summed / grid.cells, hypervolume(found, landscape.worst), min(elite.score for elite in found))


def hypervolume(designs: Sequence[Elite], worst: tuple[float, float]) -> float:
    """Return the share of the rectangle from 0 to ``worst`` that the designs beat."""
    area, ceiling = 0.0, worst[1]
    for design in unbeaten(designs):
        further = max(0.0, min(design.further[0], ceiling))
        area += max(0.0, worst[0] - design.score) * (ceiling - further)
        ceiling = further
    return area / (worst[0] * worst[1])


def main() -> None:
    """Print a Markdown table: every bound against the first, over paired seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--evaluations", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--fronts", type=int, nargs="+", default=FRONTS)
    given = parser.parse_args()
    titles = [f"median {name} | better / worse" for name in ("niches' hypervolume", "hypervolume of all", "best score")]
    print(f"| landscape | evaluations | front | {' | '.join(titles)} |")
    print("|---|---:|---:|" + "---:|---:|" * len(titles))
    for name, landscape in LANDSCAPES.items():
        for evaluations in given.evaluations:
            static: list[Found] = []
            for front in given.fronts:
                runs = [search(landscape, front, evaluations, seed) for seed in range(given.seeds)]
                static = static or runs
                cells = []
                for place, sign in enumerate((1, 1, -1)):
                    gains = [sign * (ours[place] - theirs[place]) for ours, theirs in zip(runs, static, strict=True)]
                    better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
                    cells.append(f"{statistics.median(run[place] for run in runs):.4f} | {better} / {worse}")
                print(f"| {name} | {evaluations} | {front} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
