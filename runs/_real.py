"""The command ``real``: rung 6, designs measured on a live testbed beside the simulator."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ._inspect import archive_at
from ._options import DATABASE, Db, Json, Options, Problem, SandboxName, problem_options


def real(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Problem,
    designs: Annotated[
        list[str], typer.Argument(metavar="CANDIDATE...", help="Baselines, files, or candidates of the database.")
    ],
    repeats: Annotated[int, typer.Option("--repeats", min=1, metavar="N", help="Measurings of each design.")] = 3,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help="Write real.md and real.json.")] = None,
    sandbox: SandboxName = None,
    db: Db = DATABASE,
    option: Options = None,
    as_json: Json = False,
) -> None:
    """Measure designs really, and say how far the calibrated simulator is from it and whether it ranks them alike.

    What is measured of a design that a run of the database has is written there. Exits with 0 only if all are ok.
    """
    from speciate.evaluators import ProblemRef, problem_of

    from ._bench import write_text
    from ._real_figures import Sat, findings_of
    from ._real_report import report_lines, report_markdown
    from ._real_sitting import Sitter, designs_of, sitting_id
    from ._search import environment_of

    if out is not None:
        _folder(out)
    ref = ProblemRef(name=problem, options=problem_options(option, None))
    known = "://" in db or Path(db).exists()
    with archive_at(db) if known else nullcontext() as archive:
        chosen = designs_of(designs, ref, problem_of(ref), archive)
        sitter = Sitter(problem_of(ref), chosen, sandbox, archive, lambda line: typer.echo(line, err=True))
        sat = sitter.sit(sitting_id(), repeats)
    told = Sat(
        problem=ref.name,
        options=ref.options,
        sitting=sat.id,
        environment=environment_of(sandbox),
        metrics=sitter.test.metrics,
        facts=sat.facts,
    )
    findings = findings_of(told, sat.words)
    if out is not None:
        write_text(out / "real.md", report_markdown(findings))
        write_text(out / "real.json", findings.model_dump_json(indent=2) + "\n")
    typer.echo(findings.model_dump_json(indent=2) if as_json else "\n".join(report_lines(findings)))
    loose = [design.name for design in chosen if design.run is None]
    if loose and not as_json:
        typer.echo(f"not in a run of {db}, so only told here: {', '.join(loose)}")
    raise typer.Exit(0 if all(design.status == "ok" for design in findings.designs) else 1)


def _folder(out: Path) -> None:
    """Make the folder for the results, before what they take."""
    from speciate.evaluators import SpeciateError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpeciateError(f"{out}: cannot be made: {error.strerror or error}") from error
