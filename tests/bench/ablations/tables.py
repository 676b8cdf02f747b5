"""The table of the ablations: with and without, paired by world and seed."""

from collections.abc import Mapping, Sequence
from random import Random
from statistics import fmean, median
from typing import Any, NamedTuple

from arms import Ablation, Arm

Row = dict[str, Any]
DRAWS = 4000
HEAD = (
    "| ablation | worlds, seeds | with | without | mean over the budget, 95 % | best at its end, 95 % | better / worse "
    "| verdict | default |\n|---|---|---:|---:|---|---|---|---|---|"
)


class Gap(NamedTuple):
    """A paired difference, with minus without, and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"

    @property
    def verdict(self) -> str:
        """In a word, whether it helps."""
        return "helps" if self.low > 0 else "hurts" if self.high < 0 else "not told apart"


Pairs = Mapping[str, Sequence[tuple[Row, Row]]]
"""Rows with and without the choice, by world, of the same seeds."""


def pairs_of(ablation: Ablation, rows: Sequence[Row]) -> Pairs:
    """Return the rows of both arms that have the same world and seed."""
    sides = [_by_place(arm, rows) for arm in (ablation.on, ablation.off)]
    shared = sorted(sides[0].keys() & sides[1].keys())
    return {
        world: pairs
        for world in ablation.worlds
        if (pairs := [(sides[0][place], sides[1][place]) for place in shared if place[0] == world])
    }


def gap_of(pairs: Pairs, figure: str) -> Gap:
    """Return the mean of the differences, every world of the same weight; the bootstrap draws seeds in each world."""
    gaps = [[on[figure] - off[figure] for on, off in each] for each in pairs.values()]
    rng = Random(0)
    drawn = sorted(fmean(fmean(rng.choices(each, k=len(each))) for each in gaps) for _ in range(DRAWS))
    return Gap(fmean(map(fmean, gaps)), drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS) - 1])


def line_of(ablation: Ablation, rows: Sequence[Row]) -> str | None:
    """Return the table's line of an ablation; None while it has no pair of rows."""
    pairs = pairs_of(ablation, rows)
    if not pairs:
        return None
    mean, best = gap_of(pairs, "mean"), gap_of(pairs, "best")
    seeds = {len(each) for each in pairs.values()}
    each = [pair for pairs_there in pairs.values() for pair in pairs_there]
    middles = [fmean(median(pair[side]["best"] for pair in there) for there in pairs.values()) for side in (0, 1)]
    better, worse = (sum(sign * (on["best"] - off["best"]) > 0 for on, off in each) for sign in (1, -1))
    count = "-".join(map(str, sorted({min(seeds), max(seeds)})))
    cells = [
        ablation.name,
        f"{len(pairs)} x {count}",
        f"{middles[0]:.2f}",
        f"{middles[1]:.2f}",
        str(mean),
        str(best),
        f"{better} / {worse}",
        mean.verdict,
        ablation.default,
    ]
    return f"| {' | '.join(cells)} |"


def table(ablations: Sequence[Ablation], rows: Sequence[Row]) -> str:
    """Return the table as Markdown."""
    lines = (line_of(ablation, rows) for ablation in ablations)
    return "\n".join([HEAD, *(line for line in lines if line)])


def _by_place(arm: Arm, rows: Sequence[Row]) -> dict[tuple[str, int], Row]:
    return {(row["world"], row["seed"]): row for row in rows if row["arm"] == arm.key}
