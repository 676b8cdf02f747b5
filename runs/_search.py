"""A search from the command line's side: settings in, a sitting, the verdict, the report."""

import asyncio
import os
import platform
import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from speciate.agent import (
    FIXED_GRAMMAR,
    Archive,
    Event,
    Judge,
    LLMProposer,
    RunRecord,
    RunSettings,
    SearchOutcome,
    create_run,
    open_proposer,
    require_proposer,
    search,
)
from speciate.evaluators import (
    Candidate,
    Evaluation,
    EvaluationCache,
    Executor,
    JudgeTask,
    Problem,
    SandboxUnavailableError,
    executor_named,
    problem_of,
    sandbox_named,
)

from speciate import __version__

from ._arms import ARMS, arm_of, arm_settings, charge_words, controls_of
from ._findings import SPLITS, Findings, findings_of
from ._options import Arm
from ._progress import Progress
from ._tally import Tally
from ._verdict import RIVALS, Verdict

if TYPE_CHECKING:
    from ._report import Report

GROWN_KINDS = frozenset({"policy", "plan", "formula"})
"""Kinds whose candidates only the problem's own functions are recombined into; a program may be shell."""


class Interrupted(Exception):  # noqa: N818 - not an error: the user's wish
    """Ctrl-C or SIGTERM: what was done is in the database, and the run can be resumed."""


class Choices(NamedTuple):
    """What a user may choose anew at each sitting, since no outcome of the search depends on it."""

    folder: Path
    """Where the report goes."""
    rivals: int | None = RIVALS
    """Baselines that face the champion on held-out; None means all."""
    workers: int | None = None
    """Judging processes; None means as many as the run was started with."""
    executor: str | None = None
    """Who runs the judgings; None for this machine's own processes."""


class Ending(NamedTuple):
    """How a run and its control arms ended, and what was found."""

    outcomes: tuple[SearchOutcome, ...]
    findings: Findings
    report: "Report"

    @property
    def complete(self) -> bool:
        """Whether every search ended because a budget was used up."""
        return all(outcome.state == "finished" for outcome in self.outcomes)


def with_sandbox(settings: RunSettings, warn: Callable[[str], None]) -> RunSettings:
    """Return the settings with the sandbox that this machine offers, where the user named none.

    Functions of the genetic and the random proposer are built from a fixed grammar, so they may run in the weak
    ``process`` sandbox where no better one works; ``warn`` is told. Code from a model may not, nor whole programs.

    Raises:
        SandboxUnavailableError: no sandbox fit for the proposer works here, or the named one does not.
    """
    try:
        name = sandbox_named(settings.sandbox).name
    except SandboxUnavailableError as error:
        grown = settings.proposer in FIXED_GRAMMAR and problem_of(settings.problem).kind in GROWN_KINDS
        if settings.sandbox is not None or not grown:
            raise
        name = sandbox_named("process").name
        warn(f"warning: {error}; candidates of the {settings.proposer} proposer run in the weak sandbox {name!r}")
    return settings.model_copy(update={"sandbox": name})


def new_run(
    archive: Archive, settings: RunSettings, controls: Sequence[Arm] = (), control_evaluations: int | None = None
) -> RunRecord:
    """Write a run and its control arms, and return it; nothing is judged and no model is asked yet.

    All start from the problem's seed and its tuned baselines, those withheld apart. ``control_evaluations`` is each
    arm's budget; None gives it the run's own.

    Raises:
        SpeciateError: no such problem, sandbox, model or key, or a budget that cannot be kept. There is then
            no run.
    """
    require_proposer(settings.proposer)
    problem = problem_of(settings.problem)
    for split in SPLITS:
        problem.workloads(split)  # What cannot be read is told before there is a run.
    if settings.proposer == "llm":
        LLMProposer(problem, settings, archive.database, "unwritten")
    arms = [arm_settings(settings, arm, control_evaluations) for arm in ARMS if arm in controls]
    environment = environment_of(settings.sandbox)
    starters = [problem.seed(), *(each.candidate for each in problem.baselines() if not each.withheld)]
    run_id = create_run(archive, settings, problem, starters, environment)
    for arm in arms:
        create_run(archive, arm, problem, starters, environment, control_of=run_id)
    return archive.run(run_id)


def environment_of(sandbox: str | None) -> dict[str, str]:
    """Return versions and facts of this machine that an outcome may depend on. Raises as ``sandbox_named``."""
    chosen = sandbox_named(sandbox)
    identity = getattr(chosen, "identity", None)
    image = {"image": identity()} if identity is not None else {}
    return {
        "speciate": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "cores": str(len(os.sched_getaffinity(0))),
        "sandbox": chosen.name,
        **image,
    }


def see_through(archive: Archive, run: RunRecord, progress: Progress, choices: Choices) -> Ending:
    """Search, or go on searching, until the run's budgets are used up; then settle and report.

    Raises:
        Interrupted: by the user; everything done so far is kept.
        SpeciateError: the database, the sandbox, a model or the problem cannot be used.
    """
    problem = problem_of(run.problem)
    sandbox_named(run.settings.sandbox)
    arms = controls_of(archive, run.id)
    for arm in arms:
        charge = charge_words(arm.settings)
        if charge is not None and arm.state != "finished":
            progress.say(f"control arm {arm_of(arm.settings)} {charge}")
    try:
        with closing(executor_named(choices.executor, choices.workers or run.settings.workers)) as executor:
            outcomes = tuple(_sitting(archive, each, problem, executor, progress) for each in (run, *arms))
            with archive.sole_writer(run.id):
                Verdict(archive, archive.run(run.id), problem, executor, progress.say).settle(choices.rivals)
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        raise Interrupted(run.id) from error
    findings = findings_of(archive, archive.run(run.id), problem)
    from ._report import write_report

    return Ending(outcomes, findings, write_report(findings, choices.folder))


def settled(archive: Archive, run: RunRecord, progress: Progress, choices: Choices) -> Findings:
    """Return a run's findings, measuring first what the verdict still lacks, without searching.

    Raises SpeciateError while another process searches the run, and as ``see_through``.
    """
    problem = problem_of(run.problem)
    workers = choices.workers or run.settings.workers
    with archive.sole_writer(run.id), closing(executor_named(choices.executor, workers)) as executor:
        try:
            Verdict(archive, run, problem, executor, progress.say).settle(choices.rivals)
        except KeyboardInterrupt as error:
            raise Interrupted(run.id) from error
    return findings_of(archive, archive.run(run.id), problem)


def judge_of(run: RunRecord, executor: Executor) -> Judge:
    """Return who judges the run's candidates on train: ``executor``, in the run's sandbox."""

    async def judge(
        candidate: Candidate, cache: EvaluationCache | None, repetition: int = 0, *, only: tuple[str, ...] = ()
    ) -> Evaluation:
        wanted = JudgeTask(
            problem=run.problem,
            candidate=candidate,
            sandbox=run.settings.sandbox,
            repetition=repetition,
            only=only,
            racing=run.settings.racing,
        )
        return await asyncio.wrap_future(executor.submit(wanted, cache))

    return judge


def _sitting(
    archive: Archive, run: RunRecord, problem: Problem[Any], executor: Executor, progress: Progress
) -> SearchOutcome:
    """Search one run in this process until it ends."""
    progress.begin(Tally(archive, run, problem))
    try:
        return asyncio.run(_searched(archive, run, problem, executor, progress.on_event))
    finally:
        progress.end()


async def _searched(
    archive: Archive, run: RunRecord, problem: Problem[Any], executor: Executor, on_event: Callable[[Event], None]
) -> SearchOutcome:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    async with open_proposer(archive, run, problem) as proposer:
        return await search(archive, run.id, problem, proposer, judge_of(run, executor), on_event)
