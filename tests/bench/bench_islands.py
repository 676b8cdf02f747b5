"""What islands and centroids do to a search, on landscapes of known shape: python tests/bench/bench_islands.py

Every arm searches the same landscapes with the same seeds, evaluations, window, and the same blind author: Gaussian
steps from an elite drawn with a bias to the best. Only what a draw sees differs. About a minute of CPU.
"""

import argparse
import math
import statistics
from collections.abc import Callable, Sequence
from random import Random

from speciate.agent import Grid, IslandSettings, Tessellation
from speciate.agent._islands import Islands
from speciate.agent._tessellation import Bins, Centroids, lloyd
from speciate.evaluators import Descriptor

DIMENSIONS, EDGE, WINDOW = 6, 3.0, 8
STEP, SHARE = 0.5, 0.4
"""Standard deviation of a step, and the share of coordinates that it moves."""
WORST = 100.0
AXES = tuple(Descriptor(name=name, low=-EDGE, high=EDGE, bins=8) for name in ("first", "second"))
GRID = Bins(AXES)
LANDSCAPES: dict[str, Callable[[Sequence[float]], float]] = {
    "sphere": lambda x: sum(v * v for v in x),
    "rastrigin": lambda x: sum(v * v - 3 * math.cos(2 * math.pi * v) + 3 for v in x),
    "deceptive": lambda x: min(sum((v - 2) ** 2 for v in x), 4 + 0.2 * sum((v + 1) ** 2 for v in x)),
}
"""Minimised. The deceptive one leads into a wide valley of 4; its best, 0, lies in a narrow one."""
ARMS: dict[str, tuple[IslandSettings, Tessellation]] = {
    "one island, grid 8x8": (IslandSettings(), GRID),
    "3 islands, migrate 50": (IslandSettings(count=3), GRID),
    "3 islands, migrate 25, restart 60": (IslandSettings(count=3, migrate=25, restart=60), GRID),
    "one island, cvt:64": (IslandSettings(), Centroids(AXES, lloyd(64, 2, 0))),
}


def search(
    landscape: Callable[[Sequence[float]], float], arm: tuple[IslandSettings, Tessellation], evaluations: int, seed: int
) -> Grid:
    """Return the archive after a search; ticket t sees it as of commit t - window + 1."""
    settings, niches = arm
    rng, grid = Random(seed), Grid(niches)
    islands = Islands(settings, niches, seed) if settings.count > 1 else None
    points: list[list[float]] = [[2.5 * (-1) ** place for place in range(DIMENSIONS)]]
    committed = 0

    def commit() -> None:
        nonlocal committed
        point = points[committed]
        entry = grid.insert(committed, landscape(point), {"first": point[0], "second": point[1]})
        if islands:
            islands.take(committed, entry, None, islands.home(committed) if committed else None)
        committed += 1

    commit()
    while len(points) < evaluations:
        if len(points) - committed >= WINDOW:
            commit()
        view = (islands.view(islands.home(len(points)), committed) if islands else None) or grid.view(committed)
        elite = view.elites[int(len(view.elites) * rng.random() ** 2)]
        steps = [rng.gauss(0, STEP) * (rng.random() < SHARE) for _ in range(DIMENSIONS)]
        moved = (value + step for value, step in zip(points[elite.ticket], steps, strict=True))
        points.append([max(-EDGE, min(EDGE, value)) for value in moved])
    while committed < evaluations:
        commit()
    return grid


def main() -> None:
    """Print a Markdown table: every arm against the first, over paired seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--evaluations", type=int, nargs="+", default=[200, 1000])
    given = parser.parse_args()
    print("| landscape | evaluations | arm | median best | median QD-score | better / worse than the first arm |")
    print("|---|---:|---|---:|---:|---:|")
    for name, landscape in LANDSCAPES.items():
        for evaluations in given.evaluations:
            static: list[float] = []
            for arm, chosen in ARMS.items():
                grids = [search(landscape, chosen, evaluations, seed) for seed in range(given.seeds)]
                best = [grid.elites[0].score for grid in grids]
                static = static or best
                better = sum(ours < theirs for ours, theirs in zip(best, static, strict=True))
                worse = sum(ours > theirs for ours, theirs in zip(best, static, strict=True))
                score = statistics.median(grid.qd_score(WORST) for grid in grids)
                figures = f"{statistics.median(best):.3f} | {score:.0f} | {better} / {worse} of {given.seeds}"
                print(f"| {name} | {evaluations} | {arm} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
