"""Judging processes of different runs keep to different cores, as those of one run do."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from speciate.evaluators._cores import claimed_core


def test_runs_share_no_core_until_all_are_taken_and_then_alike_and_an_ended_one_frees_its_own() -> None:
    cores, mark = os.sched_getaffinity(0), f"test-{os.getpid()}"
    runs = [_run() for _ in cores]
    many, late = [_run() for _ in cores], _run()
    try:
        # Each asks for the first core, as a run with one worker does.
        claimed = [run.submit(claimed_core, 0, mark).result(timeout=60) for run in runs]
        assert sorted(claimed) == sorted(cores)
        shared = [run.submit(claimed_core, 0, mark).result(timeout=60) for run in many]
        assert sorted(shared) == sorted(cores)
        runs[-1].shutdown()
        assert late.submit(claimed_core, 0, mark).result(timeout=60) == claimed[-1]
    finally:
        for run in (*runs, *many, late):
            run.shutdown()


def _run() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))
