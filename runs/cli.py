"""The ``speciate`` command: its commands, and the boundary at which errors become words and exit codes.

At module level nothing but typer and the standard library: ``speciate --help`` answers in a fraction of a second.
"""

import sys
import tempfile
import traceback
from collections.abc import Sequence

import typer

from ._check import check
from ._doctor import doctor, problems
from ._external import ask, mcp, tell
from ._inspect import best, list_runs, map_archive, show
from ._judge import baselines, evaluate, replicate, tune
from ._launch import discoveries, report, resume, run
from ._new import new
from ._real import real
from ._replay import replay
from ._sandbox import sandbox

HELP = "Discover system designs: search, judge against tuned baselines, and report with evidence."

commands = typer.Typer(
    name="speciate",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
commands.command("new")(new)
commands.command("run")(run)
commands.command("resume")(resume)
commands.command("ask")(ask)
commands.command("tell")(tell)
commands.command("mcp")(mcp)
commands.command("list")(list_runs)
commands.command("show")(show)
commands.command("best")(best)
commands.command("map")(map_archive)
commands.command("report")(report)
commands.command("discoveries")(discoveries)
commands.command("eval")(evaluate)
commands.command("baselines")(baselines)
commands.command("tune")(tune)
commands.command("check")(check)
commands.command("real")(real)
commands.command("replicate")(replicate)
commands.command("replay")(replay)
commands.command("problems")(problems)
commands.command("doctor")(doctor)
commands.add_typer(sandbox, name="sandbox")


def app(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done; 1: not done, or an error of ours; 2: a mistake that a person can mend, told in one line; 130:
    interrupted.

    Args:
        args: words after ``speciate``; None takes them from the process.
    """
    command = typer.main.get_command(commands)
    try:
        command(args=list(args) if args is not None else None, prog_name="speciate")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except Exception as error:  # noqa: BLE001 - the process boundary
        return _told(error)
    return 0


def _told(error: Exception) -> int:
    """Tell a person what went wrong and return the exit code."""
    from speciate.evaluators import SpeciateError

    if isinstance(error, SpeciateError):
        print(f"speciate: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    with tempfile.NamedTemporaryFile(
        "w", prefix="speciate-crash-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as file:
        traceback.print_exception(error, file=file)
    print(
        f"speciate: an error of speciate itself: {type(error).__name__}: {error}\n"
        f"speciate: the traceback is in {file.name}; nothing that was written to the database is lost",
        file=sys.stderr,
    )
    return 1
