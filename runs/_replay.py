"""The command that replays: a run once more from its record, at no cost, and whether it comes to the same."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._inspect import archive_at
from ._options import DATABASE, Db, ExecutorName, Json, Run, Workers

if TYPE_CHECKING:
    from speciate.agent import Archive, Replayed


def replay(  # noqa: PLR0913 - typer makes an option of each parameter
    name: Run,
    judge: Annotated[
        bool, typer.Option("--judge", help="Judge again what is deterministic, instead of from the record.")
    ] = False,
    into: Annotated[
        str | None, typer.Option("--into", metavar="PATH|URL", help="Database that keeps the replay; none keeps it.")
    ] = None,
    workers: Workers = None,
    executor: ExecutorName = None,
    db: Db = DATABASE,
    as_json: Json = False,
) -> None:
    """Run a run again from its recorded replies, and compare the two archives. No model is asked.

    Exits with 0 if they are identical, with 1 if they part, naming the first ticket where they do.
    """
    with archive_at(db) as source, _kept(into) as target:
        replayed = _replayed(source, target, name, judge, (executor, workers))
        run = source.run(name).id
    parting = replayed.parting
    if as_json:
        told = {"run": run, "tickets": replayed.tickets, "recorded": replayed.recorded, "digest": replayed.digest}
        typer.echo(_json(told | {"identical": parting is None, "parting": parting._asdict() if parting else None}))
    elif parting is None:
        typer.echo(f"{run}: {replayed.tickets} tickets replayed, identical; digest {replayed.digest}")
    else:
        typer.echo(f"{run}: the replay parts from the record at ticket {parting.ticket}: {parting.why}")
    if into is not None and not as_json:
        typer.echo(f"the replay is kept as {replayed.run_id} in {into}")
    if parting is not None:
        raise typer.Exit(1)


def _replayed(
    source: "Archive", target: "Archive", name: str, judge: bool, judges: tuple[str | None, int | None]
) -> "Replayed":
    import asyncio
    from contextlib import closing

    from speciate.agent import replay as replay_run
    from speciate.evaluators import executor_named, problem_of

    from ._search import judge_of

    run = source.run(name)
    problem = problem_of(run.problem)
    if not judge:
        return asyncio.run(replay_run(source, run.id, target, problem))
    chosen, workers = judges
    with closing(executor_named(chosen, workers or run.settings.workers)) as executor:
        return asyncio.run(replay_run(source, run.id, target, problem, judge_of(run, executor)))


@contextmanager
def _kept(into: str | None) -> Iterator["Archive"]:
    """Give the database of the replay: the one named, or one that is gone afterwards."""
    if into is not None:
        with archive_at(into, create=True) as archive:
            yield archive
        return
    with (
        tempfile.TemporaryDirectory(prefix="speciate-replay-") as folder,
        archive_at(str(Path(folder) / "replay.db"), create=True) as archive,
    ):
        yield archive


def _json(told: dict[str, object]) -> str:
    import json

    return json.dumps(told, indent=2)
