"""Commands that search and report: run, resume, report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._inspect import archive_at
from ._options import (
    ARM_WORDS,
    DATABASE,
    Db,
    ExecutorName,
    Json,
    Options,
    Problem,
    Quiet,
    Run,
    SandboxName,
    Trace,
    Workers,
    problem_options,
)

if TYPE_CHECKING:
    from speciate.agent import Archive, RunRecord

    from ._search import Choices

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

Folder = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Folder of the report; reports/RUN if not given.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of the report; reports/RUN if not given.")
]
Rivals = Annotated[
    str, typer.Option("--rivals", metavar="N|all", help="Tuned baselines that face the champion on held-out.")
]


def run(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Problem,
    proposer: Annotated[
        str | None,
        typer.Option(
            "--proposer", metavar="NAME", help="Who invents: genetic, llm, random, external (`speciate ask`), or an "
            "installed one; llm if there is a model, else genetic.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="M", help="Language model; may be repeated.")
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            "--models", metavar="FILE", help="TOML file with a table [[model]] for each: name, base_url, api_key_env, "
            "api (chat or responses), roles (draft, repair), temperature, effort, limits, prices; see above.",
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="OpenAI-compatible endpoint of the models.")
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option("--api-key-env", metavar="NAME", help="Variable that holds the key; OPENAI_API_KEY if not given."),
    ] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0.0, metavar="T")] = None,
    evals: Annotated[int | None, typer.Option("--evals", min=1, metavar="N", help="Budget: candidates judged.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", metavar="M", help="Budget: wall time.")] = None,
    usd: Annotated[float | None, typer.Option("--usd", metavar="X", help="Budget: dollars; needs prices.")] = None,
    tokens: Annotated[int | None, typer.Option("--tokens", min=1, metavar="N", help="Budget: tokens.")] = None,
    price_in: Annotated[
        float | None, typer.Option("--price-in", min=0.0, metavar="X", help="USD per million input tokens.")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option("--price-out", min=0.0, metavar="X", help="USD per million output tokens.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", metavar="FILE", help="TOML table of prices, before Speciate's own.")
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode", metavar="MODE", help="Of models: evolve, researcher (hypothesis, experiment, insight), or mixed."
        ),
    ] = "evolve",
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Seed of the search.")] = 0,
    window: Annotated[
        int, typer.Option("--window", min=1, metavar="W", help="A ticket sees the archive as of W commits before it.")
    ] = 8,
    choice: Annotated[
        str, typer.Option("--choice", metavar="bandit|static", help="Draw by what earned so far, or by fixed weights.")
    ] = "static",
    operators: Annotated[
        str | None,
        typer.Option("--operators", metavar="A,B", help="Operators that are drawn; else all but tune-constants."),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option("--control", metavar=ARM_WORDS, help="Add a control arm at the run's budget; may be repeated."),
    ] = None,
    control_evals: Annotated[
        int | None,
        typer.Option("--control-evals", min=1, metavar="N", help="Evaluations of each control arm; as the run's."),
    ] = None,
    archive: Annotated[
        str, typer.Option("--archive", metavar="grid|cvt:N", help="Niches: the problem's bins, or N centroids.")
    ] = "grid",
    islands: Annotated[
        int, typer.Option("--islands", metavar="K", help="Populations side by side; a draw sees only its own.")
    ] = 1,
    migrate: Annotated[
        int, typer.Option("--migrate", metavar="M", help="Islands: commits from one exchange of elites to the next.")
    ] = 50,
    restart: Annotated[
        int | None, typer.Option("--restart", metavar="S", help="Islands: one starts anew after S commits in vain.")
    ] = None,
    lessons: Annotated[
        str | None,
        typer.Option("--lessons", metavar="off|run|family", help="What is learnt of changes; run if one researches."),
    ] = None,
    racing: Annotated[
        bool, typer.Option("--racing", help="Give up candidates that look hopeless part way; its error is audited.")
    ] = False,
    remeasure: Annotated[
        int, typer.Option("--remeasure", min=0, metavar="N", help="Noisy problems: most repetitions to take a niche.")
    ] = 4,
    ticket_hours: Annotated[
        float, typer.Option("--ticket-hours", metavar="H", help="External: how long a ticket may be told.")
    ] = 24.0,
    sandbox: SandboxName = None,
    workers: Workers = None,
    executor: ExecutorName = None,
    option: Options = None,
    trace: Trace = None,
    rivals: Rivals = "3",
    report: Folder = None,
    db: Db = DATABASE,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Search for a design, then judge the best on workloads the search never saw, and write a report.

    Exits with 0 if a budget was used up, whatever was found.

    A file of --models says of each [[model]] also: requests_per_minute, tokens_per_minute, concurrency;
    usd_per_million_input, _cached_input, _cache_write and _output; and, for one operator, [model.operators.diff]
    with its temperature and effort. docs/models.md tells all of it.
    """
    from ._models import models_asked
    from ._search import new_run, with_sandbox
    from ._settings import archive_settings, control_arms, run_settings

    arms = control_arms(control, control_evals)
    options = {
        "base_url": base_url,
        "api_key_env": api_key_env,
        "temperature": temperature,
        "usd_per_million_input": price_in,
        "usd_per_million_output": price_out,
    }
    asked = models_asked(model or (), options, models, prices)
    settings = run_settings(
        {
            "problem": {"name": problem, "options": problem_options(option, trace)},
            "seed": seed,
            "proposer": proposer or ("llm" if asked else "genetic"),
            "models": asked,
            "mode": mode,
            "budget": {"evaluations": evals, "minutes": minutes, "usd": usd, "tokens": tokens},
            "archive": archive_settings(archive),
            "islands": {"count": islands, "migrate": migrate, "restart": restart},
            "window": window,
            "choice": choice,
            "operators": [word.strip() for word in operators.split(",")] if operators else [],
            "workers": workers,
            "sandbox": sandbox,
            # What researchers write down is of use to those who are told.
            "lessons": lessons or ("off" if mode == "evolve" else "run"),
            "racing": racing,
            "remeasure": remeasure,
            "ticket_hours": ticket_hours,
        }
    )
    if not quiet and evals is None and settings.budget.evaluations is not None:
        typer.echo(f"no budget given: --evals {settings.budget.evaluations} is used", err=as_json)
    settings = with_sandbox(settings, lambda line: typer.echo(f"speciate: {line}", err=True))
    count = _rivals(rivals)
    with archive_at(db, create=True) as database:
        record = new_run(database, settings, arms, control_evals)
        _see_through(database, record, _choices(record, report, count, workers, executor), quiet=quiet, as_json=as_json)


def resume(  # noqa: PLR0913 - typer makes an option of each parameter
    name: Run,
    rivals: Rivals = "3",
    report: Folder = None,
    workers: Workers = None,
    executor: ExecutorName = None,
    db: Db = DATABASE,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped or killed, and with its control arms, verdict and report."""
    count = _rivals(rivals)
    with archive_at(db) as archive:
        record = _main_arm(archive, name)
        _see_through(archive, record, _choices(record, report, count, workers, executor), quiet=quiet, as_json=as_json)


def report(
    name: Run,
    out: Out = None,
    rivals: Rivals = "3",
    workers: Workers = None,
    db: Db = DATABASE,
    as_json: Json = False,
) -> None:
    """Write the report of a run. Held-out workloads are opened if that has not been done."""
    from ._progress import progress_for
    from ._report import write_report
    from ._search import settled

    count = _rivals(rivals)
    with archive_at(db) as archive:
        record = _main_arm(archive, name)
        choices = _choices(record, out, count, workers)
        findings = settled(archive, record, progress_for(quiet=False, results_on_stdout=as_json), choices)
    written = write_report(findings, choices.folder)
    if as_json:
        typer.echo(findings.model_dump_json(indent=2))
    else:
        typer.echo(f"{findings.claim}\nreport: {written.html}")


def discoveries(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Annotated[
        str | None, typer.Argument(metavar="PROBLEM", help="Name of a problem, or a path; not with --table.")
    ] = None,
    seeds: Annotated[str, typer.Option("--seeds", metavar="LIST", help="Seeds, fixed beforehand.")] = "1,2,3,4,5",
    evals: Annotated[int, typer.Option("--evals", min=1, metavar="N", help="Budget of each arm.")] = 200,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the table and the reports.")] = Path(
        "discoveries"
    ),
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="DIR", help="Search nothing: write DIR/README.md, a table of all below it."),
    ] = None,
    option: Options = None,
    sandbox: SandboxName = None,
    workers: Workers = None,
    db: Annotated[str, typer.Option("--db", metavar="PATH|URL", help="Database of the runs.")] = "discoveries.db",
    quiet: Quiet = False,
) -> None:
    """Search once for each seed, each with a random control arm, and write one table of all; resumable."""
    from speciate.evaluators import SpeciateError

    from ._discoveries import discover, summary
    from ._overall import write_overall
    from ._progress import progress_for
    from ._settings import run_settings

    if (problem is None) == (table is None):
        raise SpeciateError("expected the name of a problem, or --table DIR for the table of all that was searched for")
    if problem is None:
        assert table is not None
        typer.echo(f"{write_overall(table)}\ntable: {table / 'README.md'}")
        return
    options = problem_options(option, None)
    wanted = [
        run_settings(
            {
                "problem": {"name": problem, "options": options},
                "seed": seed,
                "proposer": "genetic",
                "models": [],
                "budget": {"evaluations": evals},
                "workers": workers,
                "sandbox": sandbox,
            }
        )
        for seed in _seeds(seeds)
    ]
    words = "".join(f" --option {key}={value}" for key, value in options.items())
    command = f"speciate discoveries {problem} --seeds {seeds} --evals {evals}{words}"
    progress = progress_for(quiet=quiet, results_on_stdout=False)
    with archive_at(db, create=True) as archive:
        made = discover(archive, wanted, out, command, progress, typer.echo)
    typer.echo(f"\n{summary(made)}\ntable: {out / 'README.md'}")


def _seeds(text: str) -> list[int]:
    """Return the seeds of a comma-separated list. Raises SpeciateError."""
    from speciate.evaluators import SpeciateError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise SpeciateError(f"--seeds: expected whole numbers with commas between, got {text!r}") from error


def _see_through(archive: "Archive", record: "RunRecord", choices: "Choices", *, quiet: bool, as_json: bool) -> None:
    """Search, settle, report, and leave with the exit code."""
    from speciate.agent import EXTERNAL
    from speciate.evaluators import SpeciateError

    from ._built import built_words
    from ._progress import progress_for
    from ._search import Interrupted, see_through

    where = "" if archive.database.name == DATABASE else f" --db {archive.database.name}"
    again = f"speciate resume {record.id}{where}"
    progress = progress_for(quiet=quiet, results_on_stdout=as_json)
    try:
        if record.settings.proposer == EXTERNAL and record.state != "finished":
            from ._tickets import caught_up

            record = caught_up(archive, record, progress, choices)
            if record.state != "finished":
                _waits(archive, record, where, as_json=as_json)
                return
        ending = see_through(archive, record, progress, choices)
    except Interrupted as error:
        typer.echo(f"speciate: stopped; nothing is lost, go on with: {again}", err=True)
        raise typer.Exit(INTERRUPTED) from error
    except SpeciateError as error:
        raise SpeciateError(f"{error} (run {record.id} is kept; go on with: {again})") from error
    if as_json:
        typer.echo(ending.findings.model_dump_json(indent=2))
    else:
        notes = "".join(f"\n{words}" for words in built_words(archive, record.id))
        typer.echo(f"\n{ending.findings.claim}{notes}\nreport: {ending.report.html}")
    if not ending.complete:
        reasons = "; ".join(outcome.reason for outcome in ending.outcomes if outcome.state != "finished")
        typer.echo(f"speciate: the search ended before its budget was used up: {reasons}", err=True)
        raise typer.Exit(1)


def _waits(archive: "Archive", record: "RunRecord", where: str, *, as_json: bool) -> None:
    """Say how to go on with a run whose inventors come from outside."""
    import json

    counted = archive.progress(record.id)
    spent, budget = counted[-1].evaluations if counted else 0, record.settings.budget.evaluations
    ask = f"speciate ask {record.id}{where}"
    if as_json:
        facts = {"run": record.id, "state": record.state, "evaluations": spent, "budget": budget, "next": ask}
        typer.echo(json.dumps(facts, indent=2))
    else:
        typer.echo(f"run {record.id}: {spent} of {budget} evaluations used; it waits for inventors: {ask}")


def _main_arm(archive: "Archive", name: str) -> "RunRecord":
    """Return the run that ``name`` names; for a control arm the run it belongs to."""
    record = archive.run(name)
    return archive.run(record.control_of) if record.control_of else record


def _choices(
    record: "RunRecord", folder: Path | None, rivals: int | None, workers: int | None, executor: str | None = None
) -> "Choices":
    from ._search import Choices

    return Choices(folder=folder or Path("reports") / record.id, rivals=rivals, workers=workers, executor=executor)


def _rivals(text: str) -> int | None:
    """Return how many baselines face the champion, None for all. Raises SpeciateError."""
    from speciate.evaluators import SpeciateError

    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise SpeciateError(f"--rivals: expected a number from 1 on, or all, got {text!r}")
    return int(text)
