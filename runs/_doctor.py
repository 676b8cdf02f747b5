"""Commands about the installation: problems and doctor."""

from typing import Annotated

import typer

from ._options import Json

KEY = "OPENAI_API_KEY"


def problems(as_json: Json = False) -> None:
    """List the problems that are installed, what they have to beat, and what that leaves to discover."""
    import json

    from ._catalogue import entries, entry_lines

    found = entries()
    typer.echo(json.dumps([entry._asdict() for entry in found], indent=2) if as_json else "\n".join(entry_lines(found)))


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
