"""A searched run with its control arm, made once, and copied for every test that wants one of its own."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from speciate.agent import (
    Archive,
    GeneticProposer,
    Proposer,
    RandomProposer,
    RunRecord,
    RunSettings,
    open_archive,
    search,
)
from speciate.evaluators import Candidate, Evaluation, EvaluationCache, JudgeTask, Problem, problem_of
from speciate.runs._findings import Findings, findings_of
from speciate.runs._search import new_run
from speciate.runs._verdict import Verdict
from support.trusted import TrustedExecutor

LANES = Path(__file__).parent.parent / "support" / "lanes.py"


def settings(**changes: object) -> RunSettings:
    tree = {"problem": {"name": str(LANES)}, "seed": 3, "budget": {"evaluations": 24}, "sandbox": "process"}
    return RunSettings.model_validate(tree | changes)


def searched(archive: Archive, run: RunRecord, problem: Problem, proposer: Proposer) -> None:
    executor = TrustedExecutor()

    async def judge(candidate: Candidate, cache: EvaluationCache | None, repetition: int = 0) -> Evaluation:
        task = JudgeTask(problem=run.problem, candidate=candidate, repetition=repetition)
        return executor.submit(task, cache).result()

    asyncio.run(search(archive, run.id, problem, proposer, judge))


@pytest.fixture
def search_run() -> Callable[[Archive, RunRecord, Problem, Proposer], None]:
    return searched


@pytest.fixture(scope="session")
def lanes() -> Problem:
    return problem_of(settings().problem)


@pytest.fixture(scope="session")
def searched_file(tmp_path_factory: pytest.TempPathFactory, lanes: Problem) -> Path:
    path = tmp_path_factory.mktemp("searched") / "runs.db"
    archive = open_archive(path, create=True)
    run = new_run(archive, settings(), ["random"], 10)
    searched(archive, run, lanes, GeneticProposer(lanes))
    arm = next(each for each in archive.runs() if each.control_of == run.id)
    searched(archive, arm, lanes, RandomProposer(lanes))
    archive.close()
    return path


@pytest.fixture(scope="session")
def settled_file(searched_file: Path, tmp_path_factory: pytest.TempPathFactory, lanes: Problem) -> Path:
    """The same run with its verdict, all baselines included."""
    path = copy_of(searched_file, tmp_path_factory.mktemp("settled"))
    archive = open_archive(path)
    Verdict(archive, main_run(archive), lanes, TrustedExecutor()).settle(None)
    archive.close()
    return path


@pytest.fixture(scope="session")
def settled(settled_file: Path) -> Iterator[Archive]:
    """Shared by tests that only read."""
    archive = open_archive(settled_file)
    yield archive
    archive.close()


@pytest.fixture(scope="session")
def findings(settled: Archive, lanes: Problem) -> Findings:
    return findings_of(settled, main_run(settled), lanes)


def copy_of(file: Path, folder: Path) -> Path:
    for each in file.parent.iterdir():
        shutil.copy(each, folder / each.name)
    return folder / file.name


def main_run(archive: Archive) -> RunRecord:
    return next(each for each in archive.runs() if each.control_of is None)


@pytest.fixture
def db(searched_file: Path, tmp_path: Path) -> Path:
    """A file of its own: searched, not settled."""
    return copy_of(searched_file, tmp_path)


@pytest.fixture
def archive(db: Path) -> Iterator[Archive]:
    archive = open_archive(db)
    yield archive
    archive.close()


@pytest.fixture
def run(archive: Archive) -> RunRecord:
    return main_run(archive)


@pytest.fixture
def run_settings() -> RunSettings:
    return settings()
