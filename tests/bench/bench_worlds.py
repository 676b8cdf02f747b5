"""What a candidate of each installed problem costs in its sandbox: python tests/bench/bench_worlds.py [PROBLEM ...]

Prints, for the best tuned baseline on the train workloads, CPU seconds of judge and candidate together, decisions, and
decisions a CPU-second, simulation included; the best of three judgings. Goal: at most 3 CPU-seconds. Exits with 1
where it is missed.
"""

import os
import sys

from speciate.evaluators import (
    Candidate,
    JudgeTask,
    Problem,
    ProblemRef,
    judge,
    load_problem,
    measured_headroom,
    problem_names,
)

GOAL_CPU_S = 3.0
TIMES = 3


def best_design(problem: Problem[object]) -> Candidate:
    """Return the baseline that tuning found best; the seed where none was tuned."""
    measured = measured_headroom(problem.tuned)
    designs = {baseline.name: baseline.candidate for baseline in problem.baselines()}
    return designs[measured.baseline] if measured else problem.seed()


def main() -> None:
    """Print a line a problem."""
    core = min(os.sched_getaffinity(0))
    missed = []
    for name in sys.argv[1:] or problem_names():
        problem, ref = load_problem(name), ProblemRef(name=name)
        task = JudgeTask(problem=ref, candidate=best_design(problem))
        judge(task, cpu=core)  # Warms the yardsticks, once a process.
        costs = [evaluation.cost for evaluation in (judge(task, cpu=core) for _ in range(TIMES))]
        cost = min(costs, key=lambda each: each.cpu_s)
        count = len(problem.workloads("train"))
        rate = f"{cost.decisions / cost.cpu_s:,.0f} decisions/CPU-s" if cost.decisions else ""
        print(f"{name:24s} {count:3d} workloads {cost.cpu_s:6.2f} CPU-s {cost.decisions:8d} decisions  {rate}")
        if cost.cpu_s > GOAL_CPU_S:
            missed.append(name)
    if missed:
        raise SystemExit(f"more than {GOAL_CPU_S:g} CPU-seconds a candidate: {', '.join(missed)}")


if __name__ == "__main__":
    main()
