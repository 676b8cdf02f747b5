"""Commands for inventors from outside: ask, tell and mcp."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._inspect import archive_at
from ._launch import INTERRUPTED
from ._options import DATABASE, Db, Json, Run

if TYPE_CHECKING:
    from speciate.agent import Archive, RunRecord

    from ._tickets import Door

Ticket = Annotated[int, typer.Argument(metavar="TICKET", min=0, help="Number of a ticket that was asked for.")]


def ask(
    name: Run,
    ticket: Annotated[
        int | None, typer.Option("--ticket", min=0, metavar="N", help="Show a ticket again that waits to be told.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the files of the design to start from here.")
    ] = None,
    db: Db = DATABASE,
    as_json: Json = False,
) -> None:
    """Ask an external run for a ticket: what to invent, from which design, and how to tell what came of it."""
    import asyncio

    from ._assignment import assignment, assignment_text
    from ._submission import write_design

    with archive_at(db) as archive, _door(archive, archive.run(name)) as opened:
        asked = asyncio.run(opened.external.ask(ticket))
        task = assignment(archive, opened.run, opened.problem, asked)
        shown = opened.shown(archive, task.ticket)
        written = write_design(out, shown) if out is not None else []
    if as_json:
        typer.echo(task.model_dump_json(indent=2))
        return
    where = "" if db == DATABASE else f" --db {db}"
    files = " ".join(map(str, written)) or " ".join(file.path for file in shown.files)
    how = f"Tell what you wrote: `speciate tell {task.run} {task.ticket} {files} --idea 'why it is better'{where}`"
    typer.echo(assignment_text(task, shown.language, how))


def tell(  # noqa: PLR0913 - typer makes an option of each parameter
    name: Run,
    ticket: Ticket,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="What was written; a folder stands for its files.")
    ] = None,
    idea: Annotated[str, typer.Option("--idea", metavar="TEXT", help="Why it should be better; kept with it.")] = "",
    give_up: Annotated[bool, typer.Option("--give-up", help="Tell nothing: the ticket is free again.")] = False,
    db: Db = DATABASE,
    as_json: Json = False,
) -> None:
    """Tell what was written for a ticket: it is judged, and the archive takes it if it is good.

    Exits with 0 if it was judged ok, with 1 for a fault of the design, with 2 for a mistake that cost no ticket.
    """
    import asyncio
    import json

    from speciate.evaluators import SpeciateError

    from ._assignment import outcome, outcome_text
    from ._submission import read_texts

    if give_up == bool(files):
        raise SpeciateError("tell: expected the files that were written, or --give-up without any")
    with archive_at(db) as archive, _door(archive, archive.run(name)) as opened:
        if give_up:
            asyncio.run(opened.external.give_up(ticket))
            facts = {"run": opened.run.id, "ticket": ticket, "status": "no_candidate"}
            typer.echo(json.dumps(facts) if as_json else f"ticket {ticket} of run {opened.run.id} is given up")
            return
        shown = opened.shown(archive, ticket)
        texts = read_texts(files or [], shown, opened.problem.limits.source_bytes)
        candidate = opened.candidate(archive, ticket, texts)
        done = outcome(archive, opened.run, opened.problem, asyncio.run(opened.external.tell(ticket, candidate, idea)))
    typer.echo(done.model_dump_json(indent=2) if as_json else outcome_text(done))
    raise typer.Exit(0 if done.ok else 1)


def mcp(
    name: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Id of an external run; the newest with budget left.")
    ] = None,
    db: Db = DATABASE,
) -> None:
    """Serve an external run to a coding agent over stdio (Model Context Protocol)."""
    from speciate.evaluators import SpeciateError

    from ._tickets import newest

    try:
        from ._mcp import serve
    except ModuleNotFoundError as error:
        raise SpeciateError(
            f"speciate mcp: expected the package mcp, got: {error}; install it with pip install 'speciate[mcp]'"
        ) from error
    with archive_at(db) as archive, _door(archive, archive.run(name) if name else newest(archive)) as opened:
        serve(archive, opened)


@contextmanager
def _door(archive: "Archive", run: "RunRecord") -> Iterator["Door"]:
    """Open a run to outsiders, with a judging process for as long as the command takes."""
    from contextlib import closing

    from speciate.evaluators import executor_named

    from ._tickets import door

    with closing(executor_named(None, run.settings.workers)) as executor:
        try:
            yield door(archive, run, executor)
        except KeyboardInterrupt as error:
            typer.echo("speciate: stopped; what was told is kept, tell it again to go on", err=True)
            raise typer.Exit(INTERRUPTED) from error
