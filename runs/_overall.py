"""One table of all that was searched for: the findings below a folder, of every problem and seed, losers too."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from pydantic import ValidationError
from speciate.evaluators import SpeciateError

from ._discoveries import Table, row_cells, speedup_cells
from ._findings import Findings
from ._speedup import fast_words

HEAD = (
    "| problem | seed | champion | objective | best tuned baseline | objective | gain, 95 % interval | p (Holm) | "
    "over random control | found by | CPU s |\n|---|---|---|---|---|---|---|---|---|---|---|"
)
KERNELS_HEAD = (
    "| kernel | seed | champion | over the best known form | over an expert's | best human design | gain over it | "
    "found by |\n|---|---|---|---|---|---|---|---|"
)
FINDINGS = "*/seed*/findings.json"


def tables_of(folder: Path) -> dict[str, Table]:
    """Return a table for each folder below ``folder`` that has findings, by its name, runs by seed.

    Raises:
        SpeciateError: there are none, or one cannot be read.
    """
    paths = sorted(folder.glob(FINDINGS))
    if not paths:
        raise SpeciateError(f"expected findings as {folder / FINDINGS}, found none: `speciate discoveries` makes them")
    tables = {}
    for name, found in groupby(paths, key=lambda path: path.parts[-3]):
        runs = sorted(map(_read, found), key=lambda run: run.seed)
        tables[name] = Table(problem=runs[0].problem, evaluations=0, command="", runs=tuple(runs))
    return tables


def write_overall(folder: Path) -> str:
    """Write the table of all below ``folder`` as its README.md, and return its claim in one sentence.

    Raises as ``tables_of``.
    """
    tables = tables_of(folder)
    won = [name for name, table in tables.items() if table.wins]
    claim = (
        f"On {len(won)} of {len(tables)} problems a champion beat every tuned baseline on held-out workloads"
        f"{': ' * bool(won)}{', '.join(won)}."
    )
    lines = [
        "# Discoveries",
        "",
        f"Made by `speciate discoveries --table {folder}` from the findings below this folder: every problem, every "
        "seed, winner or not; each problem's own page has the command that searched. P-values are adjusted (Holm) for "
        "the seeds of their problem.",
        "",
        claim,
        "",
        HEAD,
        *(
            f"| [{name}]({name}) | {' | '.join(row_cells(run, adjusted))} |"
            for name, table in tables.items()
            for run, adjusted in zip(table.runs, table.adjusted, strict=True)
        ),
        "",
        *_kernels(tables),
    ]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")
    return claim


def _kernels(tables: Mapping[str, Table]) -> list[str]:
    """Return the lines of a table of the kernels' speedups; none where no kernel was searched for."""
    rows = [
        f"| [{name}]({name}) | {run.seed} | {' | '.join(speedup_cells(run))} |"
        for name, table in tables.items()
        for run in table.runs
        if run.speedups
    ]
    if not rows:
        return []
    return [
        "## Kernels",
        "",
        "How many times as fast the champions are on held-out sizes, geometric means with 95 % intervals over "
        "repetitions: over the best known form at each size (the quickest of library forms, what a compiler makes of "
        "them, and the seed) and over an expert's kernel, which no proposer was shown.",
        "",
        KERNELS_HEAD,
        *rows,
        "",
        fast_words([run.speedups[0].value for table in tables.values() for run in table.runs if run.speedups]),
        "",
    ]


def _read(path: Path) -> Findings:
    try:
        return Findings.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise SpeciateError(f"{path}: expected the findings of a report of this version, got {first}") from error
