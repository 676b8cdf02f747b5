"""The champion against others on the held-out workloads: gains with intervals, by workload and by group."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from speciate.evaluators import Frozen, Measurement, PairedGain, Problem, Workload, gain_of_pairs
from speciate.evaluators._contract import Scalar
from speciate.evaluators._statistics import MIN_PAIRS, repeated_gain

from ._numbers import interval, percent


class Gain(Frozen):
    """How much better the champion scores than another design, paired by seed."""

    gain: float
    """Mean share; positive is better."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    effect: float | None
    """Cohen's d_z of the paired gains; None where they do not vary."""
    p_value: float
    wins: int
    pairs: tuple[float, ...]
    """The gain of each pair, in order of seed or repetition."""
    exact_low: float | None = None
    """Lower end of the exact 95 % interval by sign flips; None with too few pairs."""
    exact_high: float | None = None
    unit: str = "seed"
    """What the pairs are: ``seed`` or ``repetition``."""

    @property
    def better(self) -> bool:
        """Whether the champion is better beyond doubt: both intervals above zero, the exact one where there is one."""
        return self.low > 0 and (self.exact_low is None or self.exact_low > 0)

    @property
    def certain(self) -> bool:
        """Whether the interval lies wholly on one side of zero."""
        return self.low > 0 or self.high < 0

    @property
    def words(self) -> str:
        """Return the gain with its interval and effect size."""
        effect = "no spread between seeds" if self.effect is None else f"effect size d = {self.effect:.2f}"
        return f"{percent(self.gain)} {interval(self.low, self.high)}, {effect}"


class HeldoutWorkload(Frozen):
    """One held-out workload with the objective of the champion and of the best baseline."""

    name: str
    seed: int
    params: dict[str, Scalar]
    group: str
    champion: float | None
    baseline: float | None
    gain: float | None


class Group(Frozen):
    """Held-out workloads that differ only in their seed."""

    label: str
    objectives: dict[str, float]
    """Mean objective of each measured design, by its name."""
    gains: tuple[float, ...]
    """Of the champion over the best baseline, one a workload."""
    gain: float | None = None
    low: float | None = None
    """Ends of the 95 % interval; None with fewer than two workloads."""
    high: float | None = None


class Metric(Frozen):
    """A measured quantity, averaged over the held-out workloads."""

    name: str
    champion: float
    baseline: float

    @property
    def change(self) -> float | None:
        """Relative change from the baseline to the champion; None where the baseline's is 0."""
        return (self.champion - self.baseline) / abs(self.baseline) if self.baseline else None


def gain_over(
    problem: Problem[Any],
    workloads: Sequence[Workload],
    ours: Sequence[Sequence[Measurement]],
    theirs: Sequence[Sequence[Measurement]],
) -> Gain | None:
    """Return the gain of ``ours`` over ``theirs``, both by repetition; None where either is missing or pairs are few.

    Where one has more repetitions, only those that both have are compared.
    """
    common = min(len(ours), len(theirs))
    if max(common, len({workload.seed for workload in workloads})) < MIN_PAIRS or not common:
        return None
    return _model(repeated_gain(problem, workloads, ours[:common], theirs[:common]))


def averaged(repeated: Sequence[Sequence[Measurement]]) -> tuple[Measurement, ...]:
    """Return one measurement a workload: the mean objective and metrics over the repetitions."""
    if len(repeated) < MIN_PAIRS:
        return tuple(repeated[0]) if repeated else ()
    means = []
    for same in zip(*repeated, strict=True):
        objective = math.fsum(m.objective for m in same) / len(same)
        names = [name for name in same[0].metrics if all(name in m.metrics for m in same)]
        metrics = {name: math.fsum(m.metrics[name] for m in same) / len(same) for name in names}
        means.append(same[0].model_copy(update={"objective": objective, "metrics": metrics}))
    return tuple(means)


def _model(paired: PairedGain) -> Gain:
    return Gain(
        gain=paired.gain,
        low=paired.low,
        high=paired.high,
        effect=paired.effect if math.isfinite(paired.effect) else None,
        p_value=paired.p_value,
        wins=paired.wins,
        pairs=paired.pairs,
        exact_low=paired.exact_low if math.isfinite(paired.exact_low) else None,
        exact_high=paired.exact_high if math.isfinite(paired.exact_high) else None,
        unit=paired.unit,
    )


def workload_rows(
    problem: Problem[Any],
    workloads: Sequence[Workload],
    ours: Sequence[Measurement],
    theirs: Sequence[Measurement],
) -> tuple[HeldoutWorkload, ...]:
    """Return a row for each workload, in order; gains are shares, positive is better."""
    champion = {m.workload: m.objective for m in ours}
    baseline = {m.workload: m.objective for m in theirs}
    labels = group_labels(workloads)
    return tuple(
        HeldoutWorkload(
            name=workload.name,
            seed=workload.seed,
            params=workload.params,
            group=labels[workload.name],
            champion=champion.get(workload.name),
            baseline=baseline.get(workload.name),
            gain=_share(problem, champion.get(workload.name), baseline.get(workload.name)),
        )
        for workload in workloads
    )


def _share(problem: Problem[Any], ours: float | None, theirs: float | None) -> float | None:
    if ours is None or not theirs:
        return None
    sign = 1.0 if problem.objective.direction == "minimize" else -1.0
    return sign * (theirs - ours) / abs(theirs)


def groups_of(rows: Sequence[HeldoutWorkload], measured: Mapping[str, Sequence[Measurement]]) -> tuple[Group, ...]:
    """Return the groups of ``rows`` in order of appearance.

    Args:
        rows: as ``workload_rows`` returns them.
        measured: held-out measurements of every design to be compared, by its name.
    """
    members: dict[str, list[HeldoutWorkload]] = {}
    for row in rows:
        members.setdefault(row.group, []).append(row)
    groups = []
    for label, group in members.items():
        names = {row.name for row in group}
        gains = [row.gain for row in group if row.gain is not None]
        ends = gain_of_pairs(gains) if len(gains) >= MIN_PAIRS else None
        groups.append(
            Group(
                label=label,
                objectives={name: _mean_objective(values, names) for name, values in measured.items() if values},
                gains=tuple(gains),
                gain=math.fsum(gains) / len(gains) if gains else None,
                low=ends.low if ends else None,
                high=ends.high if ends else None,
            )
        )
    return tuple(groups)


def _mean_objective(measurements: Sequence[Measurement], names: set[str]) -> float:
    chosen = [m.objective for m in measurements if m.workload in names]
    return math.fsum(chosen) / len(chosen)


def group_labels(workloads: Sequence[Workload]) -> dict[str, str]:
    """Return each workload's group: the parameters that vary between workloads of one seed.

    A parameter that the seed fixes, such as where in a log a workload starts, only says which seed it is.
    """
    seeds = {workload.seed for workload in workloads}
    by_seed = [[workload.params for workload in workloads if workload.seed == seed] for seed in sorted(seeds)]
    keys = sorted({key for workload in workloads for key in workload.params})
    varying = [key for key in keys if any(len({str(p.get(key)) for p in params}) > 1 for params in by_seed)]
    labels = {}
    for workload in workloads:
        parts = [f"{key} {workload.params[key]}" for key in varying if key in workload.params]
        labels[workload.name] = ", ".join(parts) or "all"
    return labels


def metric_rows(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> tuple[Metric, ...]:
    """Return the metrics both designs have on every workload, averaged."""
    ours_mean, theirs_mean = _means(ours), _means(theirs)
    return tuple(
        Metric(name=name, champion=value, baseline=theirs_mean[name])
        for name, value in ours_mean.items()
        if name in theirs_mean
    )


def _means(measurements: Sequence[Measurement]) -> dict[str, float]:
    if not measurements:
        return {}
    names = [name for name in measurements[0].metrics if all(name in m.metrics for m in measurements)]
    return {name: math.fsum(m.metrics[name] for m in measurements) / len(measurements) for name in names}
