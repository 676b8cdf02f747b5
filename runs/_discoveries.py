"""A claim over several seeds: the same search for each seed, fixed beforehand, winners and losers in one table.

Resumable: a run with the same settings that is in the database already is gone on with, not begun anew, and
a finished one is only read.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from speciate.agent import Archive, RunRecord, RunSettings
from speciate.evaluators import Frozen

from ._findings import Findings, control_of
from ._inspect import archive_at
from ._numbers import interval, percent
from ._options import Options, Problem, Quiet, SandboxName, Workers, problem_options
from ._progress import progress_for
from ._search import Choices, new_run, see_through
from ._settings import run_settings


class Table(Frozen):
    """The runs of one discovery, one a seed, in the order of the seeds."""

    problem: str
    options: dict[str, str]
    evaluations: int
    command: str
    runs: tuple[Findings, ...]

    @property
    def wins(self) -> int:
        """Seeds whose champion beats the best tuned baseline with an interval that excludes zero."""
        return sum(run.claimed for run in self.runs)

    @property
    def median_gain(self) -> float | None:
        """Median over seeds of the gain over the best tuned baseline; None before any is measured."""
        gains = [r.best_baseline.gain.gain for r in self.runs if r.best_baseline and r.best_baseline.gain]
        return statistics.median(gains) if gains else None

    @property
    def median_control_gain(self) -> float | None:
        """Median over seeds of the gain over the random control arm at equal budget."""
        gains = [
            r.control.design.gain.gain for r in self.runs if r.control and r.control.design and r.control.design.gain
        ]
        return statistics.median(gains) if gains else None


def discoveries(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Problem,
    seeds: Annotated[str, typer.Option("--seeds", metavar="LIST", help="Seeds, fixed beforehand.")] = "1,2,3,4,5",
    evals: Annotated[int, typer.Option("--evals", min=1, metavar="N", help="Budget of each arm.")] = 200,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the table and reports.")] = Path(
        "discoveries"
    ),
    option: Options = None,
    sandbox: SandboxName = None,
    workers: Workers = None,
    db: Annotated[str, typer.Option("--db", metavar="PATH|URL", help="Database of the runs.")] = "discoveries.db",
    quiet: Quiet = False,
) -> None:
    """Search once for each seed, with a random control arm at equal budget, and write one table of all."""
    options = problem_options(option, None)
    wanted = [
        run_settings(
            {
                "problem": {"name": problem, "options": options},
                "seed": int(seed),
                "proposer": "genetic",
                "models": [],
                "budget": {"evaluations": evals},
                "workers": workers,
                "sandbox": sandbox,
            }
        )
        for seed in seeds.split(",")
    ]
    words = " ".join(f"--option {key}={value}" for key, value in options.items())
    command = f"speciate discoveries {problem} --seeds {seeds} --evals {evals} {words}".rstrip()
    found: list[Findings] = []
    with archive_at(db, create=True) as archive:
        for settings in wanted:
            run = _run_of(archive, settings) or new_run(archive, settings, 0)
            choices = Choices(folder=out / f"seed{settings.seed}", rivals=None, workers=workers)
            ending = see_through(archive, run, progress_for(quiet=quiet, results_on_stdout=False), choices)
            found.append(ending.findings)
            table = Table(problem=problem, options=options, evaluations=evals, command=command, runs=tuple(found))
            _write(table, out)
            typer.echo(f"seed {settings.seed}: {ending.findings.claim}")
    typer.echo(f"\n{summary(table)}\ntable: {out / 'README.md'}")


def _run_of(archive: Archive, settings: RunSettings) -> RunRecord | None:
    """Return the run made with these settings, whatever its number of workers."""
    same = {"workers": 1}
    for run in archive.runs():
        known = run.settings.model_copy(update=same)
        if run.control_of is None and known == settings.model_copy(update=same) and control_of(archive, run.id):
            return run
    return None


def summary(table: Table) -> str:
    """Return the table's claim in one paragraph."""
    gain, control = table.median_gain, table.median_control_gain
    return (
        f"{table.wins} of {len(table.runs)} champions beat the best tuned baseline on held-out workloads with a 95 % "
        f"interval that excludes zero; median gain {percent(gain) if gain is not None else 'not measured'}, over the "
        f"random control arm at equal budget {percent(control) if control is not None else 'not measured'}."
    )


def _write(table: Table, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# Discoveries: {table.problem}",
        "",
        f"Made by `{table.command}` ({table.evaluations} evaluations an arm, held-out workloads opened once, for this "
        "table). All seeds are shown, losers too.",
        "",
        summary(table),
        "",
        "| seed | champion | objective | best tuned baseline | objective | gain, 95 % interval | over random control | "
        "found by | CPU s |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(run) for run in table.runs),
        "",
    ]
    (out / "README.md").write_text("\n".join(lines), encoding="utf-8")


def _row(run: Findings) -> str:
    champion, best = run.champion, run.best_baseline
    control = run.control.design.gain if run.control and run.control.design else None
    cells: Sequence[str] = [
        str(run.seed),
        f"`{champion.design.candidate_id[:8]}`" if champion else "none",
        _objective(champion.design.objective if champion else None, run.unit),
        best.name if best else "none",
        _objective(best.objective if best else None, run.unit),
        f"{percent(best.gain.gain)} {interval(best.gain.low, best.gain.high)}" if best and best.gain else "",
        f"{percent(control.gain)} {interval(control.low, control.high)}" if control else "",
        champion.operator if champion else "",
        f"{run.cost.cpu_s:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _objective(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.2f} {unit}"
