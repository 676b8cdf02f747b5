"""What the tools answer, as bounded text. Whatever another author wrote or caused is quoted as data."""

from collections.abc import Mapping, Sequence

from speciate.evaluators import Candidate, Evaluation, Measurement, Objective, Status

from .._figures import comparison, figures, standing
from .._laboratory import Finding
from .._prompts import quoted, quoted_files
from .._proposer import Reasons
from .._records import EliteRecord
from .._yardsticks import Yardstick

CODE_CHARACTERS = 12_000
FIGURES_CHARACTERS = 5_000
WORDS_CHARACTERS = 3_000
FINDINGS_CHARACTERS = 8_000
"""Of all workloads of one experiment together."""
ELITES_SHOWN = 30
ALARM = "the judge raised an alarm: nothing that is measured of this design can be believed, leave it"
"""All that is told of a cheat: whoever learns how it was noticed learns how not to be."""

Reached = Mapping[str, Yardstick]


def archive_text(elites: Sequence[EliteRecord], others: Sequence[int], objective: Objective) -> str:
    """Return the niches with their holders, best first, and which further designs may be looked at."""
    lines = [
        f"ticket {elite.ticket}: score {elite.score:.6g}; "
        + ", ".join(f"{name} {value:.4g}" for name, value in elite.descriptors.items())
        + f"; by {elite.operator}"
        for elite in elites[:ELITES_SHOWN]
    ]
    goal = "lower" if objective.direction == "minimize" else "higher"
    head = f"{len(elites)} niches are held; the score is {objective.name} in {objective.unit}, {goal} is better."
    more = [f"{len(elites) - ELITES_SHOWN} more are not listed."] if len(elites) > ELITES_SHOWN else []
    told = ", ".join(str(ticket) for ticket in others)
    rest = [f"Without a niche, but to be looked at: tickets {told}."] if others else []
    return "\n".join([head, *lines, *more, *rest])


def design_text(
    candidate: Candidate, evaluation: Evaluation | None, words: Reasons, objective: Objective, reached: Reached
) -> str:
    """Return a design: its code, what was measured, and what its author said."""
    parts = [quoted_files(candidate, CODE_CHARACTERS)]
    if evaluation is not None:
        told = quoted(figures(evaluation, objective, reached), FIGURES_CHARACTERS)
        parts.append(f"{standing(evaluation.score, objective, reached)}\n\n{told}")
    said = "\n".join(f"{name}: {text}" for name, text in words._asdict().items() if text)
    if said:
        parts.append(f"Its author's words:\n\n{quoted(said, WORDS_CHARACTERS)}")
    return "\n\n".join(parts)


def findings_text(
    findings: Sequence[tuple[Finding, Finding | None]], objective: Objective, reached: Reached
) -> str:
    """Return what was found on some workloads, each beside what is known there of the program to improve."""
    each = FINDINGS_CHARACTERS // max(1, len(findings))
    return "\n\n".join(_finding(finding, against, objective, reached, each) for finding, against in findings)


def comparison_text(
    names: tuple[str, str],
    pairs: Sequence[tuple[Measurement, Measurement]],
    unknown: Sequence[str],
    objective: Objective,
) -> str:
    """Return two designs workload by workload, where both were measured; ``unknown`` are the other workloads."""
    if not pairs:
        return f"no workload has been measured for both: run {names[0]} and {names[1]} on the same ones"
    lines, better = [], 0
    for left, right in pairs:
        change = right.objective - left.objective
        better += change < 0 if objective.direction == "minimize" else change > 0
        share = f" ({100 * change / abs(left.objective):+.3g} %)" if left.objective else ""
        lines.append(f"{left.workload}: {left.objective:.6g} -> {right.objective:.6g}{share}")
        moved = _moved(left.metrics, right.metrics)
        lines += [f"    {moved}"] if moved else []
    head = f"{objective.name}, {names[0]} -> {names[1]}: {names[1]} is better on {better} of {len(pairs)} workloads."
    rest = [f"Not measured for both: {', '.join(unknown)}."] if unknown else []
    return "\n\n".join([head, quoted("\n".join(lines), FIGURES_CHARACTERS), *rest])


def _finding(finding: Finding, against: Finding | None, objective: Objective, reached: Reached, limit: int) -> str:
    measured = finding.measurement
    if finding.status is Status.CHEATED:
        return f"{finding.workload}: {ALARM}"
    if measured is None:
        detail = quoted(finding.detail or "(no detail)", limit)
        return f"{finding.workload}: {finding.status.value}\n\n{detail}"
    stood = [comparison(measured.objective, reached.get(finding.workload), objective)]
    if against is not None and against.measurement is not None:
        stood.append(f"the program to improve has {against.measurement.objective:.6g}")
    told = "; ".join(each for each in stood if each)
    head = f"{finding.workload}: {objective.name} {measured.objective:.6g} {objective.unit}{told and f'; {told}'}"
    return f"{head}\n\n{quoted(_details(measured), limit)}"


def _details(measured: Measurement) -> str:
    metrics = ", ".join(f"{name} {value:.6g}" for name, value in sorted(measured.metrics.items()))
    told = [metrics, *measured.feedback.splitlines(), *measured.trace]
    return "\n".join(each for each in told if each) or "(nothing more was measured)"


def _moved(left: Mapping[str, float], right: Mapping[str, float]) -> str:
    """Return the metrics that two designs share and that differ."""
    common = sorted(name for name in left.keys() & right.keys() if left[name] != right[name])
    return ", ".join(f"{name} {left[name]:.4g} -> {right[name]:.4g}" for name in common)
