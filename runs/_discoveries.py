"""The table of a claim over several seeds: the same search for each, winners and losers alike."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from speciate.agent import Archive, RunRecord, RunSettings
from speciate.agent._tessellation import laid_out
from speciate.evaluators import Frozen, problem_of
from speciate.evaluators._statistics import LEVEL, holm

from ._arms import arm_of, controls_of
from ._findings import Design, Findings
from ._numbers import interval, percent
from ._progress import Progress
from ._search import Choices, new_run, see_through, with_sandbox


class Table(Frozen):
    """The runs of one discovery, one a seed, in the order of the seeds."""

    problem: str
    evaluations: int
    command: str
    runs: tuple[Findings, ...]

    @property
    def adjusted(self) -> tuple[float, ...]:
        """P-values of the runs' claims, adjusted for being several in one table (Holm)."""
        return holm([run.evidence.p_value for run in self.runs])

    @property
    def wins(self) -> int:
        """Seeds whose champion beats every tuned baseline, also when all claims of the table are counted."""
        return sum(run.claimed and p <= LEVEL for run, p in zip(self.runs, self.adjusted, strict=True))

    @property
    def median_gain(self) -> float | None:
        """Median over seeds of the gain over the best tuned baseline; None before any is measured."""
        gains = [r.best_baseline.gain.gain for r in self.runs if r.best_baseline and r.best_baseline.gain]
        return statistics.median(gains) if gains else None

    @property
    def median_control_gain(self) -> float | None:
        """Median over seeds of the gain over the random control arm at equal budget; None before any is measured."""
        gains = [design.gain.gain for run in self.runs if (design := _random_arm(run)) and design.gain]
        return statistics.median(gains) if gains else None


def discover(
    archive: Archive,
    wanted: Sequence[RunSettings],
    out: Path,
    command: str,
    progress: Progress,
    say: Callable[[str], None],
) -> Table:
    """Search once for each of ``wanted``, each with a random control arm at equal budget, and write their table.

    Resumable: a run with the same settings that is in the archive is gone on with, not begun anew, and one
    that is finished is only read. The table is rewritten after each. All baselines are measured on held-out.

    Raises as ``see_through``.
    """
    found: list[Findings] = []
    table = None
    for asked in wanted:
        settings = with_sandbox(asked, say)
        run = _run_of(archive, settings) or new_run(archive, settings, ["random"])
        choices = Choices(folder=out / f"seed{settings.seed}", rivals=None, workers=settings.workers)
        ending = see_through(archive, run, progress, choices)
        found.append(ending.findings)
        table = Table(
            problem=settings.problem.name,
            evaluations=settings.budget.evaluations or 0,
            command=command,
            runs=tuple(found),
        )
        _write(table, out)
        say(f"seed {settings.seed}: {ending.findings.claim}")
    assert table is not None
    return table


def _run_of(archive: Archive, settings: RunSettings) -> RunRecord | None:
    """Return the run made with these settings, whatever its number of workers."""
    laid = laid_out(problem_of(settings.problem).descriptors, settings.archive)
    wanted = settings.model_copy(update={"workers": 1, "archive": laid})
    for run in archive.runs():
        if run.control_of is not None or run.settings.model_copy(update={"workers": 1}) != wanted:
            continue
        if any(arm_of(arm.settings) == "random" for arm in controls_of(archive, run.id)):
            return run
    return None


def summary(table: Table) -> str:
    """Return the table's claim in one paragraph."""
    gain, control = table.median_gain, table.median_control_gain
    return (
        f"{table.wins} of {len(table.runs)} champions beat the best tuned baseline on held-out workloads, and every "
        f"other, with 95 % intervals that exclude zero and p <= {LEVEL:g} by Holm over the table; median gain over the "
        f"best {percent(gain) if gain is not None else 'not measured'}, over the random control arm at equal budget "
        f"{percent(control) if control is not None else 'not measured'}."
    )


def _write(table: Table, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# Discoveries: {table.problem}",
        "",
        f"Made by `{table.command}`: {table.evaluations} evaluations an arm; held-out workloads were opened for this "
        "table only. Every seed is shown, winner or not.",
        "",
        summary(table),
        "",
        "| seed | champion | objective | best tuned baseline | objective | gain, 95 % interval | p (Holm) | "
        "over random control | found by | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {' | '.join(row_cells(run, adjusted))} |"
            for run, adjusted in zip(table.runs, table.adjusted, strict=True)
        ),
        "",
    ]
    (out / "README.md").write_text("\n".join(lines), encoding="utf-8")


def row_cells(run: Findings, adjusted: float) -> Sequence[str]:
    """Return what a table says of one run, whose p-value is ``adjusted``."""
    champion, best = run.champion, run.best_baseline
    arm = _random_arm(run)
    control = arm.gain if arm else None
    return [
        str(run.seed),
        f"`{champion.design.candidate_id[:8]}`" if champion else "none",
        _objective(champion.design.objective if champion else None, run.unit),
        best.name if best else "none",
        _objective(best.objective if best else None, run.unit),
        f"{percent(best.gain.gain)} {interval(best.gain.low, best.gain.high)}" if best and best.gain else "",
        f"{adjusted:.2g}",
        f"{percent(control.gain)} {interval(control.low, control.high)}" if control else "",
        champion.operator if champion else "",
        f"{run.cost.cpu_s:.0f}",
    ]


def speedup_cells(run: Findings) -> Sequence[str]:
    """Return what a table of kernels says of one run, that has speedups."""
    champion, best = run.champion, run.best_baseline
    over_form, *over_experts = run.speedups
    return [
        f"`{champion.design.candidate_id[:8]}`" if champion else "none",
        over_form.figures,
        "; ".join(f"{each.over} {each.figures}" for each in over_experts),
        best.name if best else "none",
        f"{percent(best.gain.gain)} {interval(best.gain.low, best.gain.high)}" if best and best.gain else "",
        champion.operator if champion else "",
    ]


def _random_arm(run: Findings) -> Design | None:
    """Return the champion of the run's random control arm."""
    return next((control.design for control in run.controls if control.arm == "random"), None)


def _objective(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.2f} {unit}"
