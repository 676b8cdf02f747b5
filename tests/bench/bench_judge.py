"""What judging one candidate costs: 3 loads x 2 seeds x 4,000 requests through the best sandbox here.

    python tests/bench/bench_judge.py

Prints, for the seed program and the strongest baseline, CPU seconds (judge and candidate together) and the
number of decisions. Goal: at most 2 CPU-seconds a candidate.
"""

import os

from speciate.evaluators import JudgeTask, ProblemRef, judge, load_problem

GOAL_CPU_S = 2.0


def main() -> None:
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    ref = ProblemRef(name="serving-router")
    problem = load_problem(ref.name)
    designs = {b.name: b.candidate for b in problem.baselines()}
    judge(JudgeTask(problem=ref, candidate=problem.seed()), cpu=core)  # Warms the yardsticks, once a process.
    count = len(problem.workloads("train"))
    print(f"judging one candidate: {count} workloads of 4,000 requests (goal {GOAL_CPU_S} CPU-s)")
    for name in ("least-outstanding", "headroom-earliest-finish"):
        evaluations = [judge(JudgeTask(problem=ref, candidate=designs[name]), cpu=core) for _ in range(3)]
        cost = min((e.cost for e in evaluations), key=lambda c: c.cpu_s)
        print(
            f"  {name:28s} {cost.cpu_s:5.2f} CPU-s   {cost.wall_s:5.2f} s wall   {cost.decisions:6d} decisions   "
            f"{1e6 * cost.cpu_s / cost.decisions:5.1f} us each, simulation included   [{evaluations[0].sandbox}]"
        )


if __name__ == "__main__":
    main()
