"""What a candidate costs, and how fast its world is: python tests/bench/bench_worlds.py [PROBLEM ...]

For the best tuned baseline on the train workloads, the best of three judgings each:

- in its sandbox: CPU seconds of judge and candidate together, decisions, and decisions a CPU-second. Goal: at most 3
  CPU-seconds a candidate; exits with 1 where it is missed.
- in this process: events a CPU-second, with all that a judging does and the time that the design takes to answer. The
  goals beside them are those of a world whose policy costs next to nothing, which bench_simulator and bench_deciders
  measure.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from speciate.evaluators import (
    Candidate,
    JudgeTask,
    Problem,
    ProblemRef,
    Workload,
    judge,
    judge_inline,
    load_problem,
    measured_headroom,
    problem_names,
)
from speciate.search_spaces.pipeline_schedule._workloads import pipeline_of
from speciate.search_spaces.serving_autoscaler._workloads import case_of
from speciate.search_spaces.speculation_length._workloads import waves_of

GOAL_CPU_S = 3.0
TIMES = 3


class World(NamedTuple):
    """What counts as an event of a problem's world."""

    unit: str
    count: Callable[[Any, Workload], int]
    """From a problem's options and a workload, the events of that workload."""
    goal: int | None = None
    """Events a CPU-second."""


WORLDS: Mapping[str, World] = {
    "cache-eviction": World("requests", lambda options, _: options.requests),
    "cluster-scheduler": World("jobs", lambda options, _: options.jobs),
    "expert-placement": World("layers placed", lambda options, _: options.windows * options.layers),
    "expert-prefetch": World("layers passed", lambda options, _: options.steps * options.layers),
    "online-scheduler": World("jobs", lambda options, _: options.jobs),
    "pipeline-schedule": World("passes", lambda options, each: 3 * pipeline_of(options, each).forward_s.size),
    "prefix-routing": World("requests", lambda options, _: options.requests, 10_000),
    "serving-autoscaler": World("requests", lambda options, each: len(case_of(options, each).trace), 20_000),
    "serving-disaggregation": World("requests", lambda options, _: options.requests, 20_000),
    "serving-router": World("requests", lambda options, _: options.requests, 40_000),
    "serving-scheduler": World("requests", lambda options, _: options.requests, 20_000),
    "speculation-length": World(
        "tokens",
        lambda options, each: sum(len(text.rank) for wave in waves_of(options, each) for text in wave.texts),
    ),
}


def best_design(problem: Problem[object]) -> Candidate:
    """Return the baseline that tuning found best; the seed where none was tuned."""
    measured = measured_headroom(problem.tuned)
    designs = {baseline.name: baseline.candidate for baseline in problem.baselines()}
    return designs[measured.baseline] if measured else problem.seed()


def speed(name: str, problem: Any, design: Candidate) -> str:
    """Return the events a CPU-second of judging ``design`` in this process, in words; nothing of an unknown world."""
    world = WORLDS.get(name)
    if world is None:
        return ""
    events = sum(world.count(problem.options, each) for each in problem.workloads("train"))
    times = []
    for _ in range(TIMES + 1):  # The first one warms the yardsticks.
        start = time.process_time()
        judge_inline(problem, design)
        times.append(time.process_time() - start)
    goal = f" (goal {world.goal:,})" if world.goal else ""
    return f"{events / min(times):,.0f} {world.unit}/CPU-s{goal}"


def main() -> None:
    """Print a line a problem."""
    core = min(os.sched_getaffinity(0))
    missed = []
    print(f"{'problem':24s} workloads  CPU-s a candidate (goal {GOAL_CPU_S:g})  decisions  a CPU-s  in this process")
    for name in sys.argv[1:] or problem_names():
        problem, ref = load_problem(name), ProblemRef(name=name)
        task = JudgeTask(problem=ref, candidate=best_design(problem))
        judge(task, cpu=core)  # Warms the yardsticks, once a process.
        costs = [evaluation.cost for evaluation in (judge(task, cpu=core) for _ in range(TIMES))]
        cost = min(costs, key=lambda each: each.cpu_s)
        count = len(problem.workloads("train"))
        rate = cost.decisions / cost.cpu_s
        words = speed(name, problem, task.candidate)
        print(f"{name:24s} {count:9d}  {cost.cpu_s:26.2f}  {cost.decisions:9d}  {rate:7,.0f}  {words}", flush=True)
        if cost.cpu_s > GOAL_CPU_S:
            missed.append(name)
    if missed:
        raise SystemExit(f"more than {GOAL_CPU_S:g} CPU-seconds a candidate: {', '.join(missed)}")


if __name__ == "__main__":
    main()
