"""The report's plots: findings in, SVG and PNG out. Nothing here reads the database."""

import io
import math
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._findings import Findings
from ._grid import Grid

OURS = "#0b6e4f"
BASELINE = "#c1440e"
CONTROLS: dict[str, tuple[str, Any]] = {
    "random": ("#6c6c6c", "--"),
    "best-of-n": ("#9a8f80", "-."),
    "no-archive": ("#a9a9b8", (0, (1, 1))),
}
"""Colour and dashes of each control arm."""
OTHERS = ("#b08900", "#5b6ea8", "#8c5a8f", "#4d8a99")
SHOWN_RIVALS = 4
"""Baselines drawn beside the champion in the comparison; the table lists all."""

STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "figure.constrained_layout.use": True,
}

Painter = Callable[[Findings], Figure | None]


def plots_of(findings: Findings) -> dict[str, Figure]:
    """Return the plots that the findings have data for, by name, in the report's order."""
    painters: dict[str, Painter] = {
        "progress": _progress,
        "archive": _archive,
        "dynamics": _dynamics,
        "front": _front,
        "gains": _gains,
        "comparison": _comparison,
    }
    with mpl.rc_context(STYLE):
        figures = {name: paint(findings) for name, paint in painters.items()}
    return {name: figure for name, figure in figures.items() if figure is not None}


def svg_of(figure: Figure, name: str) -> str:
    """Return a figure as an ``<svg>`` element: no XML header, no metadata, the same text each time.

    ``name`` keeps the ids of several figures in one page apart. The figure is laid out for good.
    """
    text = io.StringIO()
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    figure.set_layout_engine("none")
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def png_of(figure: Figure) -> bytes:
    """Return a figure as a PNG at 130 dots an inch."""
    data = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(data, format="png", dpi=130, metadata={"Software": None})
    return data.getvalue()


def _axes(width: float = 7.0, height: float = 3.6) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _objective(findings: Findings) -> str:
    return findings.objective + (f" [{findings.unit}]" if findings.unit else "")


def _progress(findings: Findings) -> Figure | None:
    if not findings.curve:
        return None
    figure, axes = _axes()
    levels = [findings.curve[-1].score]
    end = findings.curve[-1].evaluations
    x, y = [point.evaluations for point in findings.curve], [point.score for point in findings.curve]
    axes.step(x, y, where="post", color=OURS, linewidth=2, label=f"{findings.proposer} search")
    levels.append(y[len(y) // 2])
    for control in findings.controls:
        if not control.curve:
            continue
        colour, dashes = CONTROLS[control.arm]
        axes.step(
            [point.evaluations for point in control.curve],
            [point.score for point in control.curve],
            where="post",
            color=colour,
            linestyle=dashes,
            label=f"{control.arm} control arm",
        )
        levels.append(control.curve[-1].score)
    trained = [d for d in findings.baselines if d.train is not None and not d.control]
    if trained:
        best = (min if findings.minimize else max)(trained, key=lambda design: design.train or 0.0)
        axes.axhline(best.train or 0.0, color=BASELINE, linestyle=":", label=f"best tuned baseline ({best.name})")
        levels.append(best.train or 0.0)
    margin = 0.15 * (max(levels) - min(levels)) or 0.05 * abs(levels[0]) or 1.0
    axes.set_ylim(min(levels) - margin, max(levels) + margin)
    axes.set_xlim(0, max(end, 1))
    axes.set_xlabel("evaluations")
    axes.set_ylabel("best train score so far")
    axes.legend(frameon=False, fontsize=8)
    return figure


def _archive(findings: Findings) -> Figure | None:
    grid = findings.grid
    if not grid.cells:
        return None
    figure, axes = _axes(7.0, 4.4)
    columns, rows = grid.shape
    values = np.full((rows, columns), np.nan)
    for cell in grid.cells:
        values[cell.y, cell.x] = cell.score
    x_edges, y_edges = _edges(grid, 0), _edges(grid, 1)
    axes.set_facecolor("#f1f1f1")
    colours = "viridis_r" if grid.minimize else "viridis"
    low, high = np.nanpercentile(values, [0, 75] if grid.minimize else [25, 100])
    mesh = axes.pcolormesh(x_edges, y_edges, values, cmap=colours, vmin=low, vmax=high)
    axes.grid(False)
    for edge in x_edges:
        axes.axvline(edge, color="white", linewidth=0.6)
    for edge in y_edges:
        axes.axhline(edge, color="white", linewidth=0.6)
    if grid.best is not None:
        axes.plot(
            (x_edges[grid.best.x] + x_edges[grid.best.x + 1]) / 2,
            (y_edges[grid.best.y] + y_edges[grid.best.y + 1]) / 2,
            marker="D",
            color="white",
            markeredgecolor="black",
            markersize=7,
            linestyle="none",
            label="best on train",
        )
        axes.legend(loc="upper right", fontsize=8)
    axes.set_xlabel(_axis_title(grid, 0))
    axes.set_ylabel(_axis_title(grid, 1))
    for number, axis in enumerate((axes.xaxis, axes.yaxis)):
        names = grid.axes[number].categories if number < len(grid.axes) else ()
        if names:
            axis.set_ticks([place + 0.5 for place in range(len(names))], names)
    figure.colorbar(mesh, ax=axes, label="score, train", extend="max" if grid.minimize else "min")
    axes.set_title(f"{grid.filled} of {grid.niches} niches held; grey cells are empty", fontsize=9, loc="left")
    return figure


def _dynamics(findings: Findings) -> Figure | None:
    moments = findings.dynamics.moments
    if len(moments) < 2:
        return None
    figure = Figure(figsize=(7.0, 2.6))
    panels = figure.subplots(1, 3)
    curves = {
        "niches held": [moment.niches for moment in moments],
        "QD-score": [moment.qd_score for moment in moments],
        "generations, mean of holders": [moment.depth for moment in moments],
    }
    for axes, (title, values) in zip(panels, curves.items(), strict=True):
        axes.step([moment.evaluations for moment in moments], values, where="post", color=OURS, linewidth=2)
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel("evaluations")
        axes.set_ylim(bottom=0)
    return figure


def _front(findings: Findings) -> Figure | None:
    """Draw each further objective against the score."""
    fronts = findings.fronts
    if fronts is None or not fronts.designs:
        return None
    first, *others = fronts.objectives
    figure = Figure(figsize=(3.6 * len(others), 3.2))
    for number, (axes, other) in enumerate(
        zip(figure.subplots(1, len(others), squeeze=False)[0], others, strict=True), 1
    ):
        sets = {
            "beaten in its niche": (fronts.beaten, "#c9c9c9"),
            "on its niche's front": ([design.values for design in fronts.designs if not design.overall], OTHERS[1]),
            "unbeaten": ([design.values for design in fronts.designs if design.overall], OURS),
        }
        for label, (values, colour) in sets.items():
            axes.plot([v[0] for v in values], [v[number] for v in values], "o", color=colour, markersize=4, label=label)
        axes.set_xlabel(f"score, train ({first.direction})")
        axes.set_ylabel(f"{other.name} [{other.unit}] ({other.direction})")
        axes.legend(frameon=False, fontsize=7)
    return figure


def _edges(grid: Grid, number: int) -> Sequence[float]:
    if number >= len(grid.axes):
        return [0.0, 1.0]
    axis = grid.axes[number]
    return [axis.low + (axis.high - axis.low) * i / axis.bins for i in range(axis.bins + 1)]


def _axis_title(grid: Grid, number: int) -> str:
    if number >= len(grid.axes):
        return ""
    axis = grid.axes[number]
    return axis.name.replace("_", " ") + (f" [{axis.unit}]" if axis.unit else "")


def _gains(findings: Findings) -> Figure | None:
    groups = [group for group in findings.groups if group.gain is not None]
    best = findings.best_baseline
    if not groups or best is None:
        return None
    rows: list[tuple[str, float, float | None, float | None, tuple[float, ...]]] = [
        (group.label, group.gain or 0.0, group.low, group.high, group.gains) for group in groups
    ]
    if best.gain is not None:
        rows.append(("all, by seed", best.gain.gain, best.gain.low, best.gain.high, best.gain.pairs))
    figure, axes = _axes(7.0, 1.2 + 0.42 * len(rows))
    for position, (_, gain, low, high, gains) in enumerate(reversed(rows)):
        whole = position == 0 and best.gain is not None
        axes.plot([100 * g for g in gains], [position] * len(gains), "o", color=OURS, alpha=0.25, markersize=4)
        if low is not None and high is not None:
            axes.plot([100 * low, 100 * high], [position, position], color=OURS, linewidth=3 if whole else 2)
        axes.plot([100 * gain], [position], "D" if whole else "s", color=OURS, markersize=6)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)])
    axes.set_xlabel(f"gain of the champion over {best.name} [%]\n95 % intervals; each dot is one workload or seed")
    return figure


def _comparison(findings: Findings) -> Figure | None:
    if findings.best_baseline is None or not findings.groups:
        return None
    names = ["champion", findings.best_baseline.name]
    names += [control.design.name for control in findings.controls if control.design]
    names += [d.name for d in findings.baselines if d.heldout is not None and d.name not in names]
    shown = SHOWN_RIVALS + 1 + max(1, len(findings.controls))
    names = [name for name in names if name in findings.groups[0].objectives][:shown]
    figure, axes = _axes(7.0, 3.8)
    width = 0.8 / len(names)
    palette = iter(OTHERS)
    for number, name in enumerate(names):
        colour = _colour(name, findings) or next(palette)
        at = [group + (number - (len(names) - 1) / 2) * width for group in range(len(findings.groups))]
        heights = [group.objectives.get(name, math.nan) for group in findings.groups]
        axes.bar(at, heights, width * 0.92, color=colour, label=name)
    axes.set_xticks(range(len(findings.groups)), [group.label for group in findings.groups], fontsize=8)
    if len(findings.groups) > 4:
        axes.tick_params(axis="x", rotation=20)
    axes.set_ylabel(f"{_objective(findings)}, held-out mean")
    axes.grid(visible=False, axis="x")
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def _colour(name: str, findings: Findings) -> str | None:
    if name == "champion":
        return OURS
    if findings.best_baseline is not None and name == findings.best_baseline.name:
        return BASELINE
    arm = next((control.arm for control in findings.controls if control.design and control.design.name == name), None)
    return CONTROLS[arm][0] if arm else None
