"""Commands about where candidates run: what the sandboxes here stop, and the image of the docker one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._options import Json, Quiet

if TYPE_CHECKING:
    from speciate.evaluators.sandbox import Image

sandbox = typer.Typer(
    name="sandbox",
    help="Say what each sandbox on this machine stops and does not stop; build the image of the docker one.",
    rich_markup_mode=None,
    invoke_without_command=True,
)


@sandbox.callback(invoke_without_command=True)
def describe(context: typer.Context, as_json: Json = False) -> None:
    """List the sandboxes, what each stops and does not stop here, and the images for the docker one."""
    if context.invoked_subcommand is not None:
        return
    import json

    from ._health import check_lines, sandbox_checks
    from ._numbers import table

    found, images = sandbox_checks(), _images()
    if as_json:
        facts = {"sandboxes": [check._asdict() for check in found], "images": [image._asdict() for image in images]}
        typer.echo(json.dumps(facts, indent=2))
        return
    for line in check_lines(found):
        typer.echo(line)
    if images:
        typer.echo("")
        for line in table(("image", "digest", "python", "packages"), images):
            typer.echo(line)


def _images() -> "list[Image]":
    from speciate.evaluators import SandboxError, SandboxUnavailableError
    from speciate.evaluators.sandbox import images

    try:
        return images()
    except (SandboxUnavailableError, SandboxError):
        return []  # Why there is no engine has been said above.


@sandbox.command("build")
def build(
    base: Annotated[
        str | None,
        typer.Option(metavar="IMAGE", help="Image to start from; the public one with this Python if not given."),
    ] = None,
    rootfs: Annotated[
        Path | None,
        typer.Option(metavar="DIR|TAR", help="Root file system with python3 to start from instead: needs no registry."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Name of the result; SPECIATE_SANDBOX_IMAGE chooses it for a run."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Build the image that the docker sandbox runs candidates in, and start a worker in it to be sure."""
    from speciate.evaluators import SpeciateError
    from speciate.evaluators.sandbox import build_image

    if base is not None and rootfs is not None:
        raise SpeciateError("--base and --rootfs: expected one of them, got both")
    built = build_image(name, base, rootfs, (lambda text: None) if quiet else typer.echo)
    typer.echo(f"{built.name}  {built.digest}  Python {built.python}{f', {built.packages}' if built.packages else ''}")
