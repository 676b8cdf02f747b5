"""The report: one self-contained HTML page and a Markdown twin with its plots beside it.

Candidate code and a model's words are untrusted: the page escapes everything, and the Markdown fences code
with a fence longer than any in it.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from speciate.evaluators import SpeciateError

from ._commands import champion_file
from ._findings import Findings
from ._model_usage import USAGE_HEADER, usage_cells
from ._numbers import dollars, duration, interval, percent, quantity
from ._plots import plots_of, png_of, svg_of

PLOT_TITLES = {
    "progress": "Progress: best design so far",
    "archive": "The archive: the best design of every kind",
    "dynamics": "The archive over time",
    "front": "Several objectives: what no other design beats",
    "gains": "Gain on the held-out workloads",
    "comparison": "Held-out comparison",
}


class Report(NamedTuple):
    """Where a report was written."""

    html: Path
    markdown: Path
    data: Path


def write_report(findings: Findings, folder: Path) -> Report:
    """Write ``report.html``, ``report.md`` with its plots, ``findings.json`` and the champion's code.

    Raises SpeciateError where the folder cannot be written.
    """
    figures = plots_of(findings)
    svgs = {name: svg_of(figure, name) for name, figure in figures.items()}
    report = Report(folder / "report.html", folder / "report.md", folder / "findings.json")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            (folder / f"{name}.svg").write_text(svgs[name], encoding="utf-8")
            (folder / f"{name}.png").write_bytes(png_of(figure))
        if findings.champion is not None:
            _write(folder / champion_file(findings.champion.path), findings.champion.code)
        _write(report.html, html_of(findings, svgs))
        _write(report.markdown, markdown_of(findings, tuple(figures)))
        _write(report.data, findings.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise SpeciateError(
            f"{folder}: the report cannot be written: {error.strerror or error}; name another folder"
        ) from error
    return report


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def html_of(findings: Findings, svgs: dict[str, str]) -> str:
    """Return the page; ``svgs`` are our own plots, everything else is escaped."""
    trusted = {name: Markup(svg) for name, svg in svgs.items()}
    template = _environment(escape=True).get_template("report.html.j2")
    return template.render(f=findings, plots=trusted, titles=PLOT_TITLES)


def markdown_of(findings: Findings, plots: tuple[str, ...]) -> str:
    """Return the Markdown twin; ``plots`` name the PNG files that lie beside it."""
    template = _environment(escape=False).get_template("report.md.j2")
    return template.render(f=findings, plots=plots, titles=PLOT_TITLES)


def _environment(*, escape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("speciate.runs", "templates"),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "quantity": quantity,
        "percent": percent,
        "duration": duration,
        "dollars": dollars,
        "moment": _moment,
        "fence": _fence,
        "cell": _cell,
    }
    environment.globals |= {"interval": interval, "usage_header": USAGE_HEADER, "usage_cells": usage_cells}
    return environment


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _fence(code: str) -> str:
    """Return a fence that ``code`` cannot close."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    return "`" * max(3, longest + 1)


def _cell(text: object) -> str:
    """Return one line that cannot leave its place in a Markdown table or start markup."""
    return re.sub(r"([\\`*_\[\]<>|#!])", r"\\\1", " ".join(str(text).split()))
