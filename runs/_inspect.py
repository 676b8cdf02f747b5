"""Commands that look at what runs wrote: list, show, best, map."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ._options import DATABASE, Db, Json, Run

if TYPE_CHECKING:
    from speciate.agent import Archive


@contextmanager
def archive_at(db: str, *, create: bool = False) -> Iterator["Archive"]:
    """Open the archive at ``db`` for one command."""
    from speciate.agent import open_archive

    archive = open_archive(db, create=create)
    try:
        yield archive
    finally:
        archive.close()


def list_runs(db: Db = DATABASE, as_json: Json = False) -> None:
    """List the runs of a database, oldest first."""
    from ._overview import run_rows, runs_json

    with archive_at(db) as archive:
        if as_json:
            typer.echo(runs_json(archive))
            return
        for line in run_rows(archive):
            typer.echo(line)


def show(
    name: Annotated[str, typer.Argument(metavar="RUN|CANDIDATE", help="A run, a candidate id, or RUN/TICKET.")],
    models: Annotated[
        bool, typer.Option("--models", help="Print only the run's models, as a file for `speciate run --models`.")
    ] = False,
    db: Db = DATABASE,
    as_json: Json = False,
) -> None:
    """Show a run, or a candidate with its code, its scores and where it came from."""
    from ._models import models_text
    from ._named import named
    from ._overview import candidate_json, candidate_lines, run_json, run_lines

    with archive_at(db) as archive:
        run, record = named(archive, name)
        if models:
            typer.echo(models_text(run.settings.models), nl=False)
        elif record is None:
            typer.echo(run_json(archive, run) if as_json else "\n".join(run_lines(archive, run)))
        else:
            typer.echo(
                candidate_json(archive, run, record) if as_json else "\n".join(candidate_lines(archive, run, record))
            )


def best(
    run: Run,
    code: Annotated[bool, typer.Option("--code", help="Print only its code.")] = False,
    db: Db = DATABASE,
    as_json: Json = False,
) -> None:
    """Show the champion of a run, or the best on train while none has been chosen."""
    from ._named import best_of
    from ._overview import candidate_json, candidate_lines

    with archive_at(db) as archive:
        record = archive.run(run)
        candidate = best_of(archive, record)
        if code:
            typer.echo(candidate.candidate.source, nl=not candidate.candidate.source.endswith("\n"))
        elif as_json:
            typer.echo(candidate_json(archive, record, candidate))
        else:
            typer.echo("\n".join(candidate_lines(archive, record, candidate)))


def map_archive(run: Run, db: Db = DATABASE, as_json: Json = False) -> None:
    """Draw the archive of a run as a heat map over its first two descriptors."""
    from speciate.evaluators import problem_of

    from ._grid import grid_of
    from ._heatmap import ASCII, BLOCKS, draw, encodes

    with archive_at(db) as archive:
        record = archive.run(run)
        grid = grid_of(problem_of(record.problem), archive.elites(record.id), record.settings.archive)
    if as_json:
        typer.echo(grid.model_dump_json(indent=2))
        return
    terminal = sys.stdout.isatty()
    rich = terminal and encodes(sys.stdout.encoding)
    typer.echo("\n".join(draw(grid, BLOCKS if rich else ASCII, colour=rich)))
