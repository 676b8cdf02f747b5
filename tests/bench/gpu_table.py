"""The table of kernels that a GPU has timed, beside what the model says of them.

    python tests/bench/gpu_table.py docs/gpu/h200.json

The file's ``kernels`` tell problem, language, design, and the seconds of a call: ``device_s``, and ``modelled_s``.
"""

import json
import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from speciate.evaluators._statistics import spearman

LANGUAGES = ("cuda", "triton")
RESAMPLES = 2000
Rows = Sequence[dict]


def rank(rows: Rows) -> float | None:
    """Return Spearman's correlation of modelled and measured time."""
    return spearman([row["modelled_s"] for row in rows], [row["device_s"] for row in rows])


def interval(problems: Sequence[Rows]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the correlation over all, problems drawn as wholes."""
    rng = np.random.default_rng(0)
    drawn = (rng.integers(0, len(problems), len(problems)) for _ in range(RESAMPLES))
    found = [rank([row for k in each for row in problems[k]]) for each in drawn]
    low, high = np.quantile([each for each in found if each is not None], (0.025, 0.975))
    return float(low), float(high)


def lines(rows: Rows) -> Iterable[str]:
    """Give the table, a problem a row, and what holds over all."""
    problems = [list(each) for _, each in groupby(rows, itemgetter("problem"))]
    heads = " | ".join(f"{each}: seed, quickest" for each in LANGUAGES)
    yield f"| problem | {heads} | kernels | rank correlation |"
    yield "|---|---|---|---|---|"
    for mine in problems:
        cells = [_cell([row for row in mine if row["language"] == language]) for language in LANGUAGES]
        found = rank(mine)
        cells += [str(len(mine)), "" if found is None else f"{found:.2f}"]
        yield f"| {mine[0]['problem']} | {' | '.join(cells)} |"
    within = [found for each in problems if (found := rank(each)) is not None]
    low, high = interval(problems)
    ratio = math.exp(statistics.median(math.log(row["device_s"] / row["modelled_s"]) for row in rows))
    yield ""
    yield (
        f"Over all {len(rows)} kernels Spearman's correlation is {rank(rows):.2f} [{low:.2f}, {high:.2f}] (95 %, "
        f"problems drawn as wholes); within a problem {statistics.mean(within):.2f} on average, "
        f"{statistics.median(within):.2f} in the median. A kernel takes {ratio:.2f} times what the model says, in the "
        "median."
    )


def _cell(rows: Rows) -> str:
    seed = next(row for row in rows if row["design"] == "seed")
    best = min(rows, key=itemgetter("device_s"))
    return f"{seed['device_s'] * 1e6:.3g} us, {best['design']} {best['device_s'] * 1e6:.3g} us"


if __name__ == "__main__":
    print("\n".join(lines(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["kernels"])))
