"""The command that asks whether a problem is fit for search."""

from typing import TYPE_CHECKING, Annotated

import typer

from ._options import Json, Options, Problem, Quiet, SandboxName, Trace, Workers, problem_options

if TYPE_CHECKING:
    from speciate.evaluators.check import Finding, Report


def check(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Problem,
    quick: Annotated[
        bool, typer.Option("--quick", help="Judge three workloads a split; ranks that flip are only warned of.")
    ] = False,
    sandbox: SandboxName = None,
    workers: Workers = None,
    option: Options = None,
    trace: Trace = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find out whether a problem is fit for search: one line a check, a verdict, and what to do.

    Its designs, and candidates that do not think, pry or cheat, are judged in the sandbox on train and validation;
    held-out stays closed. Exits with 0 if the problem is fit, with 1 if a check failed.
    """
    from speciate.evaluators import ProblemRef
    from speciate.evaluators.check import Settings, check_problem

    from ._bench import usable_cores

    def say(finding: "Finding") -> None:
        if not quiet and not as_json:
            typer.echo("\n".join(finding_lines(finding)))

    ref = ProblemRef(name=problem, options=problem_options(option, trace))
    report = check_problem(ref, Settings(quick, sandbox, workers or usable_cores()), say)
    typer.echo(_json(report) if as_json else "\n".join(verdict_lines(report)))
    raise typer.Exit(0 if report.fit else 1)


def finding_lines(finding: "Finding") -> list[str]:
    """Return a finding as text: its line, and below it what was found wrong and what to do."""
    lines = [f"{finding.verdict:<4}  {finding.check:<11}  {finding.figure}"]
    for note in finding.notes:
        lines += [f"{'':19}{note.verdict}: {note.found}", f"{'':19}-> {note.advice}"]
    return lines


def verdict_lines(report: "Report") -> list[str]:
    """Return the verdict, and on what it stands."""
    from speciate.evaluators.check import NOT_REACHED

    made = sum(finding.verdict != "n/a" for finding in report.findings)
    warned = sum(finding.verdict == "warn" for finding in report.findings)
    warnings = f", {warned} with warnings" if warned else ""
    count = sum(map(len, report.workloads.values()))
    part = f" of {count + report.left_out}" if report.left_out else ""
    stands_on = f"{count}{part} workloads, sandbox {report.sandbox}, {report.wall_s:.0f} s"
    if report.fit:
        left = "; the full check judges them all" if report.left_out else ""
        return ["", f"{report.problem}: fit for search ({made} checks{warnings}; {stands_on}{left})"]
    failed = ", ".join(report.failed)
    missed = sum(finding.figure == NOT_REACHED for finding in report.findings)
    stands_on += f"; {missed} further checks could not be made" if missed else ""
    return ["", f"{report.problem}: not fit: {len(report.failed)} of {made} checks failed: {failed} ({stands_on})"]


def _json(report: "Report") -> str:
    import json

    return json.dumps({"fit": report.fit, "failed": report.failed, **report.model_dump(mode="json")}, indent=2)
