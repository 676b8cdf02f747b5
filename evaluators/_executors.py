"""Where judgings run: in this process (``inline``), in a pool of judging processes (``local``), or elsewhere.

Further executors come from installed packages (entry-point group ``speciate.executors``).

A judging process is pinned to one core together with the candidate it judges: on one core a decision costs
about half the CPU it costs across two (DESIGN.md, "Sandboxes").
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from multiprocessing.queues import SimpleQueue
from typing import Protocol

from ._contract import Evaluation, Status
from ._cores import claimed_core
from ._errors import SpeciateError
from ._ladder import JudgeTask, judge
from ._plugins import installed, load_installed
from ._problem import EvaluationCache

GROUP = "speciate.executors"
LOST_WORKER_ATTEMPTS = 3

_core: int | None = None
"""The core of this judging process; set once by the pool's initializer."""


class Executor(Protocol):
    """Runs judgings, some at a time."""

    def submit(self, task: JudgeTask, cache: EvaluationCache | None = None) -> "Future[Evaluation]":
        """Start a judging. The future never fails for a candidate's fault."""

    def close(self) -> None:
        """End all judging processes, at once."""


class InlineExecutor:
    """Judges in the calling thread; for tests and single evaluations."""

    def submit(self, task: JudgeTask, cache: EvaluationCache | None = None) -> "Future[Evaluation]":
        """Judge now; the returned future is already done."""
        future: Future[Evaluation] = Future()
        try:
            future.set_result(judge(task, cache))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, as an executor must
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing to end."""


class LocalExecutor:
    """A pool of ``workers`` judging processes, each pinned to a core that no other one has where there are enough.

    Others are also those of other runs on this machine.
    """

    def __init__(self, workers: int):
        self._workers = workers
        self._closed = False
        self._pool = self._start()

    def submit(self, task: JudgeTask, cache: EvaluationCache | None = None) -> "Future[Evaluation]":
        """Start a judging; one whose judging process died is begun anew, then recorded as ``sandbox_error``."""
        outer: Future[Evaluation] = Future()
        # Running from the start: a waiter that gives up cannot cancel it under the pool's hands.
        outer.set_running_or_notify_cancel()
        self._try(outer, task, cache, LOST_WORKER_ATTEMPTS)
        return outer

    def close(self) -> None:
        """Kill the judging processes; their candidates die with them."""
        self._closed = True
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        slots: SimpleQueue[int] = context.SimpleQueue()
        for slot in range(self._workers):
            slots.put(slot)
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=_enter_worker, initargs=(slots,))

    def _try(self, outer: "Future[Evaluation]", task: JudgeTask, cache: EvaluationCache | None, attempts: int) -> None:
        pool = self._pool
        try:
            inner = pool.submit(_judge_here, task, cache)
        except BrokenProcessPool:
            self._replace(pool)
            inner = self._pool.submit(_judge_here, task, cache)

        def done(inner: "Future[Evaluation]") -> None:
            if self._closed or inner.cancelled():
                outer.set_exception(CancelledError())
                return
            error = inner.exception()
            if isinstance(error, BrokenProcessPool):
                self._replace(pool)
                if attempts > 1:
                    self._try(outer, task, cache, attempts - 1)
                else:
                    outer.set_result(_lost(task))
            elif error is not None:
                outer.set_exception(error)
            else:
                outer.set_result(inner.result())

        inner.add_done_callback(done)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        if self._pool is broken:
            self._pool = self._start()


def executor_named(name: str | None, workers: int) -> Executor:
    """Return a new executor of ``workers`` judgings at a time: ``local`` (also for None), ``inline``, or installed.

    An entry point names a function from the number of workers to an ``Executor``. Raises SpeciateError for an
    unknown name.
    """
    if name in (None, "local"):
        return LocalExecutor(workers)
    if name == "inline":
        return InlineExecutor()
    factory = load_installed(GROUP, name)
    if not callable(factory):
        known = ", ".join(["local", "inline", *installed(GROUP)])
        raise SpeciateError(f"unknown executor {name!r}; expected one of: {known}")
    found: Executor = factory(workers)
    return found


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of processes that end when this one does, however it ends. For trusted work."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_follow_parent)


def _lost(task: JudgeTask) -> Evaluation:
    return Evaluation(
        candidate=task.candidate.id,
        split=task.split,
        status=Status.SANDBOX_ERROR,
        detail=f"the judging process was lost {LOST_WORKER_ATTEMPTS} times",
    )


def _enter_worker(slots: "SimpleQueue[int]") -> None:
    """Prepare a judging process: it leaves Ctrl-C to its parent, ends when the parent does, and keeps to one core."""
    global _core
    _follow_parent()
    _core = claimed_core(slots.get())
    os.sched_setaffinity(0, {_core})


def _follow_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # PR_SET_PDEATHSIG would not do: it fires when the *thread* that started us ends, and a pool that is
    # replaced after a lost worker is started from a thread that ends soon.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(1)


def _judge_here(task: JudgeTask, cache: EvaluationCache | None) -> Evaluation:
    return judge(task, cache, cpu=_core)
