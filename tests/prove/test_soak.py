"""Hundreds of candidates, honest and hostile, through the same judging processes: nothing accumulates."""

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing import resource_tracker
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from prove.leftovers import below, gone
from speciate.agent import Budget, RunSettings, create_run, open_archive
from speciate.evaluators import Candidate, EvaluationCache, JudgeTask, LocalExecutor, ProblemRef, Status, problem_of
from support import counters
from support.corpus import ANYWHERE, CORPUS, FILES

WORKERS = 2
BATCH = 100
GROWTH_BYTES = 4 << 20
"""What a judging process may grow by after the first batch, in all: less than 14 KB a candidate in the short form."""
PROBLEM = ProblemRef(name=counters.__file__)


def mixture(rng: Random) -> Iterator[Candidate]:
    """Yield candidates without end: two honest designs, no two alike, for each attack that need not be waited for."""
    attacks = [name for name, status in sorted((ANYWHERE | FILES).items()) if "timeout" not in status]
    while True:
        for name in rng.sample(attacks, len(attacks)):
            for _ in range(2):
                yield Candidate.from_source(counters.design(rng.uniform(-1.0, 1.0), rng.uniform(-3.0, 3.0)))
            yield Candidate.from_source((CORPUS / f"{name}.py").read_text("utf-8"))


class Mark(NamedTuple):
    """What the judging processes hold after a batch, process by process."""

    pids: list[int]
    resident_bytes: list[int]
    descriptors: list[int]


def mark_of(pids: list[int]) -> Mark:
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return Mark(pids, [count * os.sysconf("SC_PAGE_SIZE") for count in pages], [descriptors(pid) for pid in pids])


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def kept_open(before: int) -> int:
    """Return how many descriptors more than ``before`` this process has, once nobody refers to the executor."""
    gc.collect()
    return max(0, descriptors(os.getpid()) - before)


def past(folder: Path) -> EvaluationCache:
    """Return the memory of a run, which the judge asks twice for each candidate and in which there is nothing."""
    archive = open_archive(folder / "runs.db", create=True)
    settings = RunSettings(problem=PROBLEM, budget=Budget(evaluations=1))
    run_id = create_run(archive, settings, problem_of(PROBLEM), [])
    cache = archive.cache(run_id, 0)
    archive.close()
    return cache


@pytest.mark.usefixtures("bubblewrap")
def test_nothing_accumulates_in_the_judging_processes(
    tmp_path: Path, known: set[int], full: bool, tell: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    candidates, cache = mixture(Random(1)), past(tmp_path)
    statuses: Counter[str] = Counter()
    marks: list[Mark] = []
    resource_tracker.ensure_running()
    known |= set(below(known))
    ours = descriptors(os.getpid())
    with closing(LocalExecutor(WORKERS)) as executor:
        for _ in range(12 if full else 4):
            tasks = [JudgeTask(problem=PROBLEM, candidate=next(candidates), sandbox="bubblewrap") for _ in range(BATCH)]
            futures = [executor.submit(task, cache) for task in tasks]
            statuses.update(future.result().status.value for future in futures)
            gone(lambda: [command for command in below(known).values() if "bwrap" in command])
            marks.append(mark_of(list(below(known))))
    gone(lambda: below(known))
    del executor
    gone(lambda: kept_open(ours))

    tell(f"{statuses.total()} candidates: {dict(statuses)}")
    tell(f"resident MiB of each, batch by batch: {[[count >> 20 for count in mark.resident_bytes] for mark in marks]}")
    first, last = marks[0], marks[-1]
    assert len(first.pids) == WORKERS
    assert all(mark.pids == first.pids for mark in marks), "a judging process was lost"
    assert all(mark.descriptors == first.descriptors for mark in marks), [mark.descriptors for mark in marks]
    grown = [after - before for before, after in zip(first.resident_bytes, last.resident_bytes, strict=True)]
    assert max(grown) < GROWTH_BYTES
    assert statuses[Status.SANDBOX_ERROR] == 0
    assert statuses[Status.OK] > statuses.total() // 2
    assert list((tmp_path / "tmp").iterdir()) == []
