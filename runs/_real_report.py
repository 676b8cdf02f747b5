"""A sitting of real runs in words: on the terminal, and as a page of Markdown."""

from collections.abc import Sequence

from ._numbers import percent, quantity, table
from ._real_figures import Agreement, RealDesign, RealFindings, gap_words


def report_lines(findings: RealFindings) -> list[str]:
    """Return the sitting as plain text."""
    header, rows = _cells(findings)
    return [*table(header, rows, right=(0, 1)), "", *_sentences(findings)]


def report_markdown(findings: RealFindings) -> str:
    """Return the sitting as a page."""
    header, rows = _cells(findings)
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    facts = [f"- repetition {number}: {_told(fact)}" for number, fact in enumerate(findings.facts, start=1)]
    environment = ", ".join(f"{name} {value}" for name, value in findings.environment.items())
    return "\n".join(
        [
            f"# {findings.problem}, measured really",
            "",
            f"Designs: {len(findings.designs)}. Repetitions: {findings.repeats}, in each all designs on the same "
            f"workloads. Sitting {findings.sitting}; {environment}.",
            "",
            *lines,
            "",
            *(f"- {sentence}" for sentence in _sentences(findings)),
            "",
            "## The testbed and its calibration",
            "",
            *facts,
            "",
        ]
    )


def _cells(findings: RealFindings) -> tuple[list[str], list[list[str]]]:
    header = ["real", "sim", "design"]
    for metric in findings.metrics:
        header += [metric, "simulated", "gap, 95 %"]
    return header, [_row(design, findings.metrics) for design in findings.designs]


def _row(design: RealDesign, metrics: Sequence[str]) -> list[str]:
    if design.rank is None or design.simulated_rank is None:
        return ["", "", f"{design.name} ({design.status})", *[""] * 3 * len(metrics)]
    mark = " (out of line)" if design.out_of_line else ""
    cells = [str(design.rank), str(design.simulated_rank), design.name + mark]
    for figure in design.figures:
        cells += [quantity(figure.real), quantity(figure.simulated), gap_words(figure.gap)]
    return cells


def _sentences(findings: RealFindings) -> list[str]:
    told = [
        f"gap of {metric} (real / simulated - 1): {gap_words(gap)} over the designs, mean size "
        f"{percent(findings.errors[metric]).lstrip('+')}"
        for metric, gap in findings.gaps.items()
    ]
    first = findings.metrics[0]
    if findings.agreement is None:
        told.append("rank correlation: not told, it takes three designs measured in every repetition and not all alike")
    else:
        told.append(f"rank correlation of {first}: {_agreed(findings.agreement)}")
    if findings.in_line is not None:
        told.append(f"without the designs that are out of line: {_agreed(findings.in_line)}")
    told += [
        f"out of line: {design.name} is {gap_words(design.apart)} beside the others' gap, {design.simulated_rank}. "
        f"simulated and {design.rank}. really: the simulator does not see what that comes from"
        for design in findings.designs
        if design.out_of_line and design.apart is not None
    ]
    return told


def _agreed(found: Agreement) -> str:
    return f"{found.correlation:.2f} [{found.low:.2f}, {found.high:.2f}] ({found.designs} designs, bootstrap over them)"


def _told(facts: dict[str, float | str]) -> str:
    return ", ".join(f"{name} {value if isinstance(value, str) else quantity(value)}" for name, value in facts.items())
