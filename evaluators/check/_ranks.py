"""Do the workloads tell designs apart reliably, or would other seeds rank them otherwise?"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from .._contract import Evaluation, Split
from .._problem import Problem
from .._statistics import scores_by_seed
from ._finding import Finding, concluded, counted, does_not_apply, fail, warn
from ._trials import Word, Yardstick, score_of

TIE = 0.01
"""Designs whose scores are within this share of each other in either split are not ranked against each other."""
LEAST_AGREEMENT = 0.5
GOOD_AGREEMENT = 0.8
GOOD_RELIABILITY = 0.9
MOST_SEEDS = 1000


class Agreement(NamedTuple):
    """How two rankings of the same designs agree."""

    agree: int
    part: int

    @property
    def tau(self) -> float | None:
        """Kendall's tau over the pairs that are no ties: 1 alike, 0 unrelated, -1 reversed; None without pairs."""
        pairs = self.agree + self.part
        return (self.agree - self.part) / pairs if pairs else None


def agreement(one: Mapping[str, float], other: Mapping[str, float]) -> Agreement:
    """Return over all pairs of designs how often two sets of scores order them alike; ties are left out."""
    agree = part = 0
    for a, b in combinations(sorted(one), 2):
        gaps = [_gap(scores[a], scores[b]) for scores in (one, other)]
        if min(map(abs, gaps)) <= TIE:
            continue
        agree += gaps[0] * gaps[1] > 0
        part += gaps[0] * gaps[1] < 0
    return Agreement(agree, part)


def _gap(a: float, b: float) -> float:
    scale = max(abs(a), abs(b))
    return (a - b) / scale if scale else 0.0


def reliability_of_one_seed(ranks: Sequence[Sequence[float]]) -> float | None:
    """Return how much of the ranks' variance at one seed is the designs' own (intraclass correlation, ICC(3,1)).

    ``ranks`` is (designs, seeds). Shrout and Fleiss, "Intraclass correlations: uses in assessing rater
    reliability", Psychological Bulletin 86, 1979. None with fewer than two designs or seeds.
    """
    n, k = len(ranks), len(ranks[0]) if ranks else 0
    if n < 2 or k < 2:
        return None
    mean = math.fsum(map(math.fsum, ranks)) / (n * k)
    rows = [math.fsum(row) / k for row in ranks]
    columns = [math.fsum(column) / n for column in zip(*ranks, strict=True)]
    between = k * math.fsum((row - mean) ** 2 for row in rows) / (n - 1)
    squares = [(value - rows[i] - columns[j] + mean) ** 2 for i, row in enumerate(ranks) for j, value in enumerate(row)]
    within = math.fsum(squares) / ((n - 1) * (k - 1))
    total = between + (k - 1) * within
    return (between - within) / total if total else None


def seeds_needed(one_seed: float, wanted: float = GOOD_RELIABILITY) -> int | None:
    """Return how many seeds make the mean ranks as reliable as ``wanted`` (Spearman-Brown), None if too many."""
    if one_seed <= 0:
        return None
    count = wanted * (1 - one_seed) / (one_seed * (1 - wanted)) if one_seed < 1 else 1
    return max(1, math.ceil(count - 1e-9)) if count <= MOST_SEEDS else None


def check_ranks(
    problem: Problem[Any],
    chosen: Mapping[Split, tuple[str, ...]],
    words: Mapping[Split, Mapping[str, Word]],
    quick: bool,
) -> Finding:
    """Compare the ranking of the designs on train with that on validation, and from seed to seed.

    ``words`` are of the same designs in both splits. A quick check judges fewer seeds than a search would, so it
    only warns.
    """
    scores = {
        split: {n: s for n, w in found.items() if (s := score_of(w)) is not None} for split, found in words.items()
    }
    names = sorted(set(scores["train"]) & set(scores["validation"]))
    if len(names) < 2:
        return does_not_apply("ranks", f"{len(names)} designs are judged ok on train and validation")
    found = agreement(*({name: scores[split][name] for name in names} for split in ("train", "validation")))
    tau, one_seed = found.tau, reliability_of_one_seed(_ranks(problem, chosen, words, names))
    if tau is None:
        note = warn(f"all {len(names)} designs are within {TIE:.0%} of each other", "see headroom and sensitivity")
        return concluded("ranks", "nothing to rank", [note])
    train_seeds = len({w.seed for w in problem.workloads("train")})
    figure = f"tau {tau:.2f} between train and validation ({found.agree + found.part} pairs of {len(names)} designs)"
    needed = None
    if one_seed is not None:
        needed = seeds_needed(one_seed)
        figure += f"; one seed's ranks are {max(0.0, one_seed):.0%} reliable"
    if tau >= GOOD_AGREEMENT:
        return concluded("ranks", f"{figure}, train has {train_seeds}")
    told = f"train ranks {found.part} of {found.agree + found.part} pairs of designs otherwise than validation"
    words_of_need = (
        f"about {counted(needed, 'seed')} would do, train has {train_seeds}"
        if needed is not None and needed > train_seeds
        else "are the loads of train and validation of one kind? more seeds alone may not do"
    )
    severe = tau < LEAST_AGREEMENT and not quick
    advice = "run the full check" if quick and tau < LEAST_AGREEMENT else f"too few seeds: {words_of_need}"
    return concluded("ranks", figure, [(fail if severe else warn)(told, advice)])


def _ranks(
    problem: Problem[Any],
    chosen: Mapping[Split, tuple[str, ...]],
    words: Mapping[Split, Mapping[str, Word]],
    names: Sequence[str],
) -> list[list[float]]:
    """Return the rank of each design (rows) at each seed (columns) of train and validation."""
    columns: list[list[float]] = []
    for split in ("train", "validation"):
        workloads = [w for w in problem.workloads(split) if w.name in chosen[split]]
        by_seed = [
            scores_by_seed(problem, workloads, word.measurements)
            for name in names
            if isinstance(word := words[split][name], Evaluation)
        ]
        columns += [_rank([scores[seed] for scores in by_seed]) for seed in sorted(by_seed[0])]
    return [list(row) for row in zip(*columns, strict=True)]


def _rank(values: Sequence[float]) -> list[float]:
    """Return the ranks, equal values sharing their mean rank."""
    return [sum(other < value for other in values) + sum(other == value for other in values) / 2 for value in values]


__all__ = ["Agreement", "Yardstick", "agreement", "check_ranks", "reliability_of_one_seed", "seeds_needed"]
