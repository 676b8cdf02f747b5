"""Commands about the installation: problems and doctor."""

from typing import Annotated

import typer

from ._options import Json

KEY = "OPENAI_API_KEY"


def problems(as_json: Json = False) -> None:
    """List the problems that are installed."""
    import json

    from speciate.evaluators import load_problem, problem_names

    from ._numbers import table

    found = [(name, load_problem(name)) for name in problem_names()]
    if as_json:
        facts = [{"name": n, "title": p.title, "kind": p.kind, "version": p.version} for n, p in found]
        typer.echo(json.dumps(facts, indent=2))
        return
    rows = [(name, problem.kind, problem.version, problem.title) for name, problem in found]
    for line in table(("problem", "kind", "version", "title"), rows):
        typer.echo(line)


def doctor(
    key_env: Annotated[
        str, typer.Option("--api-key-env", metavar="NAME", help="Variable that holds the key of the models.")
    ] = KEY,
    as_json: Json = False,
) -> None:
    """Say what works on this machine, and what each sandbox stops and does not stop."""
    from ._health import check_lines, checks, checks_json

    found = checks(key_env)
    typer.echo(checks_json(found) if as_json else "\n".join(check_lines(found)))
    raise typer.Exit(0 if all(check.ok or not check.needed for check in found) else 1)
