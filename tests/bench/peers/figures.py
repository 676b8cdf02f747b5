"""The table of a comparison of searches: medians, intervals of their difference, and what a candidate cost."""

from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from typing import Any

Row = dict[str, Any]
UNPARSED = 0.05
"""Share of replies without a program to evaluate above which a row is void."""
DRAWS = 4000


def void(row: Row) -> bool:
    """Whether a row says nothing of the search: too many replies were not understood, or it did not end well."""
    return bool(row["exit"]) or row["lost"] > 0 or row["unused"] > UNPARSED * max(1, row["replies"])


def summary(rows: Sequence[Row], framework: str, title: str) -> str:
    """Return two tables as Markdown: ours against ``framework``, which is shown as ``title``, and what either cost."""
    lines = [
        f"| problem | seeds | Speciate | {title} | difference, 95 % interval | better in | at equal replies |",
        "|---|---|---|---|---|---|---|",
    ]
    for problem in dict.fromkeys(row["problem"] for row in rows):
        ours, theirs = _by_seed(rows, problem, "speciate"), _by_seed(rows, problem, framework)
        seeds = sorted(set(ours) & set(theirs))
        if not seeds:
            continue
        pairs = [(ours[seed], theirs[seed]) for seed in seeds]
        low, high = interval(pairs, "best")
        wins = sum(a["best"] > b["best"] for a, b in pairs)
        low_r, high_r = interval(pairs, "best_by_replies")
        apart = [_median_gap(pairs, key) for key in ("best", "best_by_replies")]
        lines.append(
            f"| {problem} | {len(seeds)} | {median(a['best'] for a, _ in pairs):.2f} "
            f"| {median(b['best'] for _, b in pairs):.2f} | {apart[0]:+.2f} [{low:+.2f}, {high:+.2f}] "
            f"| {wins} of {len(seeds)} | {apart[1]:+.2f} [{low_r:+.2f}, {high_r:+.2f}] |"
        )
    return "\n".join([*lines, "", *_costs(rows)])


def _by_seed(rows: Sequence[Row], problem: str, framework: str) -> dict[int, Row]:
    chosen = [row for row in rows if row["problem"] == problem and row["framework"] == framework]
    return {row["seed"]: row for row in chosen if not void(row)}


def _median_gap(pairs: Sequence[tuple[Row, Row]], key: str) -> float:
    return median(float(a[key]) for a, _ in pairs) - median(float(b[key]) for _, b in pairs)


def interval(pairs: Sequence[tuple[Row, Row]], key: str) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the difference of the medians, seeds drawn anew."""
    rng = Random(0)
    gaps = sorted(_median_gap(rng.choices(pairs, k=len(pairs)), key) for _ in range(DRAWS))
    return gaps[int(0.025 * DRAWS)], gaps[int(0.975 * DRAWS) - 1]


def _costs(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| framework | searches | void | evaluations | replies | replies without a program | failed programs "
        "| evaluations/s | CPU ms a candidate |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for framework in dict.fromkeys(row["framework"] for row in rows):
        chosen = [row for row in rows if row["framework"] == framework]

        def middle(figure: Callable[[Row], float], of: Sequence[Row] = chosen) -> float:
            return median(figure(row) for row in of)

        lines.append(
            f"| {framework} | {len(chosen)} | {sum(map(void, chosen))} | {middle(lambda r: r['evaluations']):.0f} "
            f"| {middle(lambda r: r['replies']):.0f} | {middle(lambda r: r['unused'] / max(1, r['replies'])):.1%} "
            f"| {middle(lambda r: r['failed'] / max(1, r['evaluations'])):.1%} "
            f"| {middle(lambda r: r['evaluations'] / r['wall_s']):.1f} "
            f"| {middle(lambda r: 1e3 * r['cpu_s'] / max(1, r['replies'])):.0f} |"
        )
    return lines
