"""``speciate new``: a small working problem to start one's own from."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal

import typer

Kind = Literal["policy", "plan", "program", "command", "kernel"]
PLACEHOLDER = "NEW-PROBLEM"
"""What stands for the problem's name in the templates."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it must be empty or not there.")],
    kind: Annotated[
        Kind,
        typer.Option(
            "--kind",
            help="Many decisions, one answer in arrays, a whole program, your own script, or timed machine code.",
        ),
    ] = "policy",
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the problem; the folder's if not given.")
    ] = None,
) -> None:
    """Make a small problem of one's own, which runs at once and reads as a tutorial."""
    made = scaffold(folder, kind, name)
    there = f"{folder}"
    typer.echo(f"made {there}: {', '.join(made)}")
    typer.echo(f"\nread {there}/README.md, and next type:\n")
    takes = "some four minutes" if kind == "kernel" else "about a minute"
    for command, why in (
        (f"speciate check {there} --quick", "is it fit for search?"),
        (f"speciate run {there} --evals 40", f"search without any key, {takes}, ending in a report"),
    ):
        typer.echo(f"  {command:<44}  # {why}")


def scaffold(folder: Path, kind: Kind, name: str | None = None) -> list[str]:
    """Copy the template of ``kind`` into ``folder`` and return the paths that were written, sorted.

    Raises SpeciateError for a folder that holds something, or cannot be written, and for a name that is not
    kebab-case.
    """
    from speciate.evaluators import SpeciateError

    chosen = name or _named_after(folder)
    if not _NAME.fullmatch(chosen):
        raise SpeciateError(
            f"--name: expected lower-case words joined by hyphens, such as my-{kind}, got {chosen!r}: give --name NAME"
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SpeciateError(f"{folder}: expected a new or an empty folder, it holds something: name another DIR")
        return sorted(_copied(files("speciate.runs.templates") / "new" / kind, folder, chosen, ""))
    except OSError as error:
        raise SpeciateError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _named_after(folder: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")


def _copied(template: Traversable, folder: Path, name: str, path: str) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    for each in template.iterdir():
        if each.is_dir():
            if each.name != "__pycache__":
                written += _copied(each, folder / each.name, name, f"{path}{each.name}/")
            continue
        target = folder / each.name
        target.write_text(each.read_text(encoding="utf-8").replace(PLACEHOLDER, name), encoding="utf-8")
        if target.suffix == ".sh":
            target.chmod(0o755)
        written.append(path + each.name)
    return written
