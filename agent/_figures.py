"""What was measured of a design, as its next author reads it: where it is behind, and what happened there."""

from collections.abc import Mapping

from speciate.evaluators import Evaluation, Measurement, Objective

from ._yardsticks import TOTAL, Yardstick

_NOTHING: Mapping[str, Yardstick] = {}


def figures(
    evaluation: Evaluation,
    objective: Objective,
    reached: Mapping[str, Yardstick] = _NOTHING,
    most: int | None = None,
) -> str:
    """Return a design's measurements as lines: the workload where it is worst first and in full, then the others.

    Args:
        evaluation: of the design, on train.
        objective: which way is better.
        reached: what others reached on each workload; without it the workloads keep their order.
        most: workloads that are told of; None for all.

    Metrics, feedback and traces are other authors' text, or hang on their programs: to be quoted.
    """
    worse = 1.0 if objective.direction == "minimize" else -1.0

    def behind(measurement: Measurement) -> float:
        mark = _mark(reached.get(measurement.workload))
        return 0.0 if mark is None else worse * _share(measurement.objective, mark)

    lines = [f"{name} = {value:.6g}" for name, value in sorted(evaluation.descriptors.items())]
    ordered = sorted(evaluation.measurements, key=behind, reverse=True)
    for place, measurement in enumerate(ordered[:most]):
        against = comparison(measurement.objective, reached.get(measurement.workload), objective)
        lines.append(f"{measurement.workload}: {measurement.objective:.6g}{against and f'; {against}'}")
        told = measurement.feedback.splitlines()
        if place == 0:
            metrics = ", ".join(f"{name} {value:.6g}" for name, value in sorted(measurement.metrics.items()))
            lines += [f"    {each}" for each in (metrics, *told, *measurement.trace) if each]
        else:
            lines += [f"    {told[0]}"] if told else []
    return "\n".join(lines)


def standing(score: float | None, objective: Objective, reached: Mapping[str, Yardstick] = _NOTHING) -> str:
    """Return a sentence on a design's score, and how far it is from the best."""
    if score is None:
        return "Score: none."
    against = comparison(score, reached.get(TOTAL), objective)
    return f"Score: {score:.6g}{against and f'; {against}'}."


def comparison(value: float, reached: Yardstick | None, objective: Objective) -> str:
    """Return in words how a value stands to what others reached; empty where nobody did.

    >>> comparison(11.0, Yardstick(10.0, 10.0), Objective(name="latency", unit="s"))
    '10 % worse than the best starting design (10)'
    """
    if reached is None:
        return ""
    named = [("the best starting design", reached.given), ("the best design so far", reached.best)]
    words: list[str] = []
    for name, mark in named:
        if mark is not None and not (words and mark == reached.given):
            words.append(f"{_apart(value, mark, objective)} {name} ({mark:.6g})")
    if reached.limit is not None:
        words.append(f"{reached.limit:.6g} is proven to be the limit of any design")
    return ", ".join(words)


def _apart(value: float, mark: float, objective: Objective) -> str:
    share = _share(value, mark) if objective.direction == "minimize" else -_share(value, mark)
    if abs(share) < 5e-4:
        return "as good as"
    amount = f"{abs(100 * share):.3g} %" if mark else f"{abs(share):.3g}"
    return f"{amount} {'worse' if share > 0 else 'better'} than"


def _mark(reached: Yardstick | None) -> float | None:
    """Return what a workload is ranked against: what people reached, since the best may have been luck there."""
    if reached is None:
        return None
    return reached.best if reached.given is None else reached.given


def _share(value: float, mark: float) -> float:
    """Return by which share of ``mark`` a value is above it; the difference itself where ``mark`` is 0."""
    return (value - mark) / abs(mark) if mark else value - mark
