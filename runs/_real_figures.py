"""What a sitting of real runs says: how far the simulator is from it, and whether it ranks designs alike."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from statistics import median

from speciate.evaluators import Evaluation, Frozen, Status, gain_of_pairs
from speciate.evaluators._statistics import spearman

from ._numbers import interval, percent, quantity
from ._real_rows import pairs_of

DRAWS = 2000
OUT_OF_LINE = 0.1
"""A design whose gap is this much beyond that of the others, with an interval that excludes 0, is said to be so."""
LEAST_DESIGNS = 3
"""Fewer cannot be ranked to any purpose."""


class Share(Frozen):
    """A relative difference with its 95 % interval; None where there is one repetition only."""

    mean: float
    low: float | None = None
    high: float | None = None

    @property
    def certain(self) -> bool:
        """Whether the interval lies wholly on one side of 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class Figure(Frozen):
    """One metric of one design: means over the repetitions, and the gap, real / simulated - 1."""

    metric: str
    real: float
    simulated: float
    gap: Share


class RealDesign(Frozen):
    """What a design did."""

    name: str
    candidate_id: str
    status: str
    """``ok``, or what became of the first repetition that was not."""
    repetitions: int
    """That are ok."""
    figures: tuple[Figure, ...] = ()
    rank: int | None = None
    """Among the designs that are ok in every repetition; 1 is best."""
    simulated_rank: int | None = None
    apart: Share | None = None
    """How far its gap is from the others' in the same repetitions."""

    @property
    def out_of_line(self) -> bool:
        """Whether the simulator does not see something that counts for this design."""
        return self.apart is not None and self.apart.certain and abs(self.apart.mean) > OUT_OF_LINE


class Agreement(Frozen):
    """Spearman's rank correlation of real and simulated figures, ties sharing their rank."""

    correlation: float
    low: float
    """Lower end of the 95 % interval, over ``DRAWS`` draws of as many designs with replacement."""
    high: float
    designs: int


class RealFindings(Frozen):
    """Everything a sitting says."""

    problem: str
    options: dict[str, str]
    sitting: str
    environment: dict[str, str]
    metrics: tuple[str, ...]
    repeats: int
    designs: tuple[RealDesign, ...]
    """Best first, by the first metric; those that failed last."""
    gaps: dict[str, Share]
    """Of each metric: the mean over the designs, its interval over the designs."""
    errors: dict[str, float]
    """Of each metric: the mean size of the gap over the designs."""
    agreement: Agreement | None
    in_line: Agreement | None
    """Without the designs that are out of line; None where there is none such."""
    facts: tuple[dict[str, float | str], ...]


class Sat(Frozen):
    """What was measured, and where."""

    problem: str
    options: dict[str, str]
    sitting: str
    environment: dict[str, str]
    metrics: tuple[str, ...]
    facts: tuple[dict[str, float | str], ...]


def findings_of(sat: Sat, words: Mapping[str, Sequence[Evaluation]]) -> RealFindings:
    """Return what ``words``, one evaluation a repetition by the design's name, come to."""
    whole = whole_of(words)
    pairs = {name: pairs_of(each) for name, each in whole.items()}
    real, simulated = ({name: _mean([p[side] for p in each]) for name, each in pairs.items()} for side in (0, 1))
    ranks, simulated_ranks = _places(real), _places(simulated)
    designs = [
        RealDesign(
            name=name,
            candidate_id=each[0].candidate,
            status=next((word.status.value for word in each if word.status is not Status.OK), "ok"),
            repetitions=sum(word.status is Status.OK for word in each),
            figures=tuple(_figure(each, metric) for metric in sat.metrics) if name in whole else (),
            rank=ranks.get(name),
            simulated_rank=simulated_ranks.get(name),
            apart=_apart(name, pairs) if name in whole and len(whole) >= LEAST_DESIGNS else None,
        )
        for name, each in words.items()
    ]
    designs.sort(key=lambda design: (design.rank is None, design.rank, design.name))
    odd = {design.name for design in designs if design.out_of_line}
    kept = {name: value for name, value in real.items() if name not in odd}
    return RealFindings(
        **sat.model_dump(),
        repeats=max(map(len, words.values())),
        designs=tuple(designs),
        gaps={metric: _spread([f.gap.mean for f in _of(designs, metric)]) for metric in sat.metrics if whole},
        errors={metric: _mean([abs(f.gap.mean) for f in _of(designs, metric)]) for metric in sat.metrics if whole},
        agreement=agreement(real, simulated),
        in_line=agreement(kept, simulated) if odd else None,
    )


def whole_of(words: Mapping[str, Sequence[Evaluation]]) -> dict[str, Sequence[Evaluation]]:
    """Return the designs that are ok in every repetition."""
    return {name: each for name, each in words.items() if all(word.status is Status.OK for word in each)}


def standing(name: str, words: Mapping[str, Sequence[Evaluation]]) -> str:
    """Return in words how one design of a sitting did: both figures, the gap, and its places."""
    whole = whole_of(words)
    if name not in whole:
        failed = next(word for word in words[name] if word.status is not Status.OK)
        return f"{failed.status}: {failed.detail}"
    pairs = {each: pairs_of(told) for each, told in whole.items()}
    places = [_places({each: _mean([p[side] for p in told]) for each, told in pairs.items()}) for side in (0, 1)]
    real, simulated = (_mean([pair[side] for pair in pairs[name]]) for side in (0, 1))
    gap = gap_words(_spread([a / b - 1.0 for a, b in pairs[name]]))
    ranks = f"; {places[0][name]}. really and {places[1][name]}. simulated of {len(whole)}" if len(whole) > 1 else ""
    times = f"{len(pairs[name])} repetition{'s' * (len(pairs[name]) > 1)}"
    return f"{quantity(real)} really, {quantity(simulated)} simulated in {times}, gap {gap}{ranks}"


def gap_words(share: Share) -> str:
    """Return a relative difference with its interval."""
    ends = "" if share.low is None or share.high is None else f" {interval(share.low, share.high)}"
    return f"{percent(share.mean)}{ends}"


def agreement(real: Mapping[str, float], simulated: Mapping[str, float]) -> Agreement | None:
    """Return how the designs of ``real`` rank in both; None for too few or where all tie. The draws are seeded."""
    names = sorted(real)
    whole = spearman([real[name] for name in names], [simulated[name] for name in names])
    if len(names) < LEAST_DESIGNS or whole is None:
        return None
    rng = Random("agreement")
    drawn: list[float] = []
    while len(drawn) < DRAWS:
        some = rng.choices(names, k=len(names))
        found = spearman([real[name] for name in some], [simulated[name] for name in some])
        drawn += [] if found is None else [found]
    drawn.sort()
    skipped = round(0.025 * DRAWS)
    return Agreement(correlation=whole, low=drawn[skipped], high=drawn[-skipped - 1], designs=len(names))


def _places(values: Mapping[str, float]) -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted(values, key=lambda name: (values[name], name)), start=1)}


def _figure(words: Sequence[Evaluation], metric: str) -> Figure:
    pairs = pairs_of(words, metric)
    return Figure(
        metric=metric,
        real=_mean([real for real, _ in pairs]),
        simulated=_mean([simulated for _, simulated in pairs]),
        gap=_spread([real / simulated - 1.0 for real, simulated in pairs]),
    )


def _apart(name: str, pairs: Mapping[str, Sequence[tuple[float, float]]]) -> Share:
    """Return how far a design's real / simulated is from the median of the others: the mean logarithm, as a share.

    The median, since one design that is far off would put all others out of line with their mean.
    """
    logs = {each: [math.log(real / simulated) for real, simulated in told] for each, told in pairs.items()}
    others = [median(column) for column in zip(*(told for each, told in logs.items() if each != name), strict=True)]
    spread = _spread([own - other for own, other in zip(logs[name], others, strict=True)])
    ends = [None if end is None else math.expm1(end) for end in (spread.low, spread.high)]
    return Share(mean=math.expm1(spread.mean), low=ends[0], high=ends[1])


def _spread(values: Sequence[float]) -> Share:
    """Return a mean with Student's interval."""
    if len(values) < 2:
        return Share(mean=_mean(values))
    found = gain_of_pairs(values, "repetition")
    return Share(mean=found.gain, low=found.low, high=found.high)


def _of(designs: Sequence[RealDesign], metric: str) -> list[Figure]:
    return [figure for design in designs for figure in design.figures if figure.metric == metric]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
