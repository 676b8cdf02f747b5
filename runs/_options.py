"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

DATABASE = "speciate.db"

Db = Annotated[
    str,
    typer.Option("--db", metavar="PATH|URL", help="Database of the runs."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="Option of the problem; may be repeated."),
]
Trace = Annotated[
    str | None, typer.Option("--trace", metavar="FILE", help="Real trace for the problem (its option `trace`).")
]
SandboxName = Annotated[
    str | None,
    typer.Option("--sandbox", metavar="NAME", help="Sandbox for candidates; the best one here if not given."),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, metavar="N", help="Judging processes; one a core if not given.")
]
ExecutorName = Annotated[
    str | None,
    typer.Option("--executor", metavar="NAME", help="Who runs the judgings: local, inline, or an installed one."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only results.")]
Arm = Literal["random", "best-of-n", "no-archive"]
"""A kind of control arm."""
ARM_WORDS = "|".join(get_args(Arm))
Problem = Annotated[str, typer.Argument(metavar="PROBLEM", help="Name of a problem (`speciate problems`) or a path.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, or how it begins.")]


def problem_options(words: list[str] | None, trace: str | None) -> dict[str, str]:
    """Return ``--option`` words and ``--trace`` as the problem's options. Raises SpeciateError."""
    from speciate.evaluators import SpeciateError

    options: dict[str, str] = {}
    for word in words or []:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise SpeciateError(f"--option: expected KEY=VALUE, got {word!r}")
        options[key] = value
    if trace is not None:
        options["trace"] = str(Path(trace).resolve())
    return options
