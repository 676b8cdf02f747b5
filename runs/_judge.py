"""Commands that judge without searching: eval, baselines, tune, replicate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ._inspect import archive_at
from ._options import DATABASE, Db, Json, Options, Problem, SandboxName, Trace, Workers, problem_options

SplitName = Literal["train", "validation", "heldout"]
Split = Annotated[SplitName, typer.Option("--split", help="Which workloads.")]


def evaluate(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Problem,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file with the problem's hooks.")],
    split: Split = "train",
    sandbox: SandboxName = None,
    option: Options = None,
    trace: Trace = None,
    as_json: Json = False,
) -> None:
    """Judge one design: a table by workload, its score, and the baselines beside it where that is cheap.

    Exits with 0 only if the design is judged ok.
    """
    from speciate.evaluators import ProblemRef, Status

    from ._bench import Bench, read_candidate, verdict_lines

    bench = Bench(ProblemRef(name=problem, options=problem_options(option, trace)), sandbox, workers=1)
    with bench:
        evaluation = bench.judge(read_candidate(file, bench.problem), split)
        if as_json:
            typer.echo(evaluation.model_dump_json(indent=2))
        else:
            typer.echo("\n".join(verdict_lines(bench, evaluation)))
    raise typer.Exit(0 if evaluation.status is Status.OK else 1)


def baselines(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Problem,
    split: Split = "train",
    sandbox: SandboxName = None,
    workers: Workers = None,
    option: Options = None,
    trace: Trace = None,
    as_json: Json = False,
) -> None:
    """Judge the problem's tuned baselines and list them, best first.

    Exits with 0 only if all are judged ok.
    """
    from speciate.evaluators import ProblemRef

    from ._bench import Bench, baseline_lines, baselines_json

    bench = Bench(ProblemRef(name=problem, options=problem_options(option, trace)), sandbox, workers)
    with bench:
        judged = bench.judge_baselines(split)
        typer.echo(baselines_json(judged) if as_json else "\n".join(baseline_lines(bench, judged)))
    raise typer.Exit(0 if all(each.evaluation.status == "ok" for each in judged) else 1)


def tune(  # noqa: PLR0913 - typer makes an option of each parameter
    problem: Problem,
    evals: Annotated[int, typer.Option("--evals", min=1, metavar="N", help="Judgings a baseline.")] = 200,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Seed of the tuning.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the TOML to this file.")] = None,
    section: Annotated[str, typer.Option("--section", metavar="NAME", help="Table it is put under.")] = "tuned",
    workers: Workers = None,
    option: Options = None,
    trace: Trace = None,
) -> None:
    """Tune the constants of every baseline on the train workloads, with the same budget each."""
    from speciate.evaluators import ProblemRef, headroom_of, problem_of, tuned_toml

    from ._bench import tuned, write_text

    ref = ProblemRef(name=problem, options=problem_options(option, trace))
    chosen = tuned(ref, evals, seed, workers, lambda line: typer.echo(line, err=True))
    text = tuned_toml(section, chosen, seed, headroom_of(problem_of(ref), chosen))
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
        typer.echo(f"written to {out}")


def replicate(
    name: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="A candidate id or its beginning, RUN/TICKET, or a baseline.")
    ],
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="The run it is in; the newest.")] = None,
    split: Annotated[
        list[str] | None,
        typer.Option("--split", metavar="SPLIT", help="Which workloads; all it was measured on. May be repeated."),
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", metavar="NAME", help="Another one than the run's.")
    ] = None,
    db: Db = DATABASE,
    as_json: Json = False,
) -> None:
    """Judge an archived design again from its record, and compare every figure.

    Where the problem is deterministic all must agree to the bit, where it is noisy within the interval of the
    record. Exits with 0 if the design replicated, with 1 if a figure parted.
    """
    from contextlib import closing

    from speciate.evaluators import LocalExecutor, SpeciateError

    from ._findings import SPLITS
    from ._replicate import replicate as judge_again
    from ._replicate import subject_of

    for word in split or ():
        if word not in SPLITS:
            raise SpeciateError(f"--split: expected one of {', '.join(SPLITS)}, got {word!r}")
    wanted = [each for each in SPLITS if each in (split or ())]
    with archive_at(db) as archive:
        subject = subject_of(archive, name, archive.run(run) if run else None)
        with closing(LocalExecutor(1)) as executor:
            replication = judge_again(archive, subject, executor, wanted, sandbox)
    typer.echo(replication.model_dump_json(indent=2) if as_json else "\n".join(replication.lines))
    raise typer.Exit(0 if replication.replicated else 1)
