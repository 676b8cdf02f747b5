"""Candidates of every sort through the same judging processes: nothing leaks, accumulates, or changes a score."""

import gc
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from multiprocessing import resource_tracker
from pathlib import Path
from typing import NamedTuple

import pytest
from prove.leftovers import below, gone, kernel_objects, mounted_for_others, mounts, sockets
from speciate.agent import Budget, RunSettings, create_run, open_archive
from speciate.evaluators import Evaluation, EvaluationCache, JudgeTask, LocalExecutor, Sandbox, Status, problem_of
from speciate.evaluators._cores import CORE_MARK
from speciate.evaluators.sandbox import Docker
from support.across import marked
from support.docker_engine import containers_of
from support.mixture import POLICIES, Given, mixture

WORKERS = 2
SHORT, FULL = 90, 1000
BATCHES = {SHORT: 5, FULL: 10}
GROWTH_BYTES = 4 << 20
"""What a judging process may grow by once it has met every kind of problem: 5 KB a candidate in the full form."""
SETTLED = 1
"""The batch after which it has."""
MOST_WARM = 3
"""Containers that a judging process keeps: one for each kind of problem, and at most this many."""


class Mark(NamedTuple):
    """What the judging processes hold after a batch, process by process."""

    pids: list[int]
    resident_bytes: list[int]
    descriptors: list[int]
    """Without the links to warm containers."""
    warm: list[int]
    """How many of those."""


def claims() -> set[str]:
    """Return the sockets by which judging processes claim their cores, as links to descriptors name them."""
    rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return {f"socket:[{row[6]}]" for row in rows if len(row) > 7 and row[7].startswith(f"@{CORE_MARK}-")}


def mark_of(pids: list[int]) -> Mark:
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    claimed = claims()
    targets = [[os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()] for pid in pids]
    links = [sum(each.startswith("socket:") and each not in claimed for each in those) for those in targets]
    held = [descriptors(pid) - count for pid, count in zip(pids, links, strict=True)]
    return Mark(pids, [count * os.sysconf("SC_PAGE_SIZE") for count in pages], held, links)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def kept_open(before: int) -> int:
    """Return how many descriptors more than ``before`` this process has, once nobody refers to the executor."""
    gc.collect()
    return max(0, descriptors(os.getpid()) - before)


def past(folder: Path) -> EvaluationCache:
    """Return the memory of a run, which the judge asks twice for each candidate and in which there is nothing."""
    archive = open_archive(folder / "runs.db", create=True)
    settings = RunSettings(problem=POLICIES, budget=Budget(evaluations=1))
    run_id = create_run(archive, settings, problem_of(POLICIES), [])
    cache = archive.cache(run_id, 0)
    archive.close()
    return cache


class Soak:
    """Judging processes that are given candidates, batch by batch, and looked at after each.

    Args:
        sandbox: name of the sandbox that all are judged in.
        cache: what the judge is told of the past.
        known: processes that do not belong to it.
    """

    def __init__(self, sandbox: str, cache: EvaluationCache, known: set[int]):
        self.marks: list[Mark] = []
        self._sandbox = sandbox
        self._cache = cache
        self._known = known

    def judge(self, candidates: Sequence[Given], batches: int) -> list[Evaluation]:
        """Return the word on each candidate, in order. All that the judging started has ended on return."""
        words: list[Evaluation] = []
        with closing(LocalExecutor(WORKERS)) as executor:
            size = -(-len(candidates) // batches)
            for start in range(0, len(candidates), size):
                batch = candidates[start : start + size]
                tasks = [JudgeTask(problem=g.problem, candidate=g.candidate, sandbox=self._sandbox) for g in batch]
                futures = [executor.submit(task, self._cache) for task in tasks]
                words += [future.result() for future in futures]
                gone(lambda: [command for command in below(self._known).values() if "bwrap" in command])
                self.marks.append(mark_of(self._judges()))
        gone(lambda: below(self._known))
        return words

    def _judges(self) -> list[int]:
        return [pid for pid, command in below(self._known).items() if "multiprocessing" in command]

    def check(self) -> None:
        """The same processes judged all batches, and hold no more than after the first few."""
        first, last = self.marks[SETTLED], self.marks[-1]
        assert len(first.pids) == WORKERS
        assert all(mark.pids == first.pids for mark in self.marks), "a judging process was lost"
        held = [mark.descriptors for mark in self.marks]
        assert all(mark == held[0] for mark in held), held
        assert max(count for mark in self.marks for count in mark.warm) <= MOST_WARM
        grown = [after - before for before, after in zip(first.resident_bytes, last.resident_bytes, strict=True)]
        assert max(grown) < GROWTH_BYTES


def facts(word: Evaluation) -> str:
    """Return all that a judging found, to the bit; what it cost left out."""
    return word.model_dump_json(exclude={"cost": True, "measurements": {"__all__": {"cost"}}})


def test_a_third_hostile_and_nothing_stays_or_changes(
    sandbox: Sandbox,
    tmp_path: Path,
    known: set[int],
    full: bool,
    tell: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    count = FULL if full else SHORT
    candidates, cache = mixture(sandbox.name, count, seed=1), past(tmp_path)
    if isinstance(sandbox, Docker):
        sandbox.release()
    resource_tracker.ensure_running()
    known |= set(below(known))
    ours, mounted, objects = descriptors(os.getpid()), mounts(), kernel_objects()

    alone = Soak(sandbox.name, cache, known)
    honest = [given for given in candidates if not given.name]
    expected = {given.candidate.id: facts(word) for given, word in zip(honest, alone.judge(honest, 1), strict=True)}
    mixed = Soak(sandbox.name, cache, known)
    words = mixed.judge(candidates, BATCHES[count])

    gone(lambda: kept_open(ours))
    if isinstance(sandbox, Docker):
        judges = {os.getpid(), *(pid for soak in (alone, mixed) for mark in soak.marks for pid in mark.pids)}
        gone(lambda: containers_of(judges))
        gone(lambda: mounts() - mounted - mounted_for_others(judges))
    else:
        gone(lambda: [place for place in mounts() - mounted if "/overlay2/" not in place])
    assert sockets(tmp_path) == []
    assert kernel_objects() == objects
    assert marked() == []
    assert list((tmp_path / "tmp").iterdir()) == []
    statuses = Counter(word.status.value for word in words)
    tell(f"{len(words)} candidates, {len(words) - len(honest)} hostile: {dict(statuses)}")
    tell(f"resident MiB of each, batch by batch: {[[n >> 20 for n in mark.resident_bytes] for mark in mixed.marks]}")
    mixed.check()
    assert statuses[Status.SANDBOX_ERROR] == 0
    for given, word in zip(candidates, words, strict=True):
        if given.name:
            assert word.status.value in given.expected.split("|"), f"{given.name}: {word.status}, {word.detail}"
        else:
            assert facts(word) == expected[given.candidate.id]
