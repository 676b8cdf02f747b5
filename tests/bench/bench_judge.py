"""What judging costs: one whole candidate of serving-router, and a trivial one that is nearly all overhead.

    python tests/bench/bench_judge.py

Prints, for the seed program and the strongest baseline, CPU seconds (judge and candidate together) and the
number of decisions; goal: at most 2 CPU-seconds a candidate. Then, for each sandbox that works here, the median
of 100 judgings of a policy of one line on one workload of 120 decisions, in a warm judging process: wall, and CPU
of the judge, the launcher and the candidate (for Docker: of the judge and of all that ran in the container, mean of
the 100). Goals: 30 ms and 60 ms through bubblewrap, 60 ms CPU through Docker. Exits with 1 where one is missed.
"""

import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speciate.evaluators import (
    Candidate,
    JudgeTask,
    ProblemRef,
    SandboxUnavailableError,
    Status,
    judge,
    load_problem,
    sandbox_names,
)
from speciate.evaluators.sandbox import Docker, Sandbox, sandbox_named
from support import lanes
from support.docker_engine import docker_sandbox

GOAL_CPU_S = 2.0
TRIVIAL_GOALS_MS: dict[str, tuple[float | None, float | None]] = {"bubblewrap": (30.0, 60.0), "docker": (60.0, None)}
"""CPU and wall of a judged trivial candidate; nothing is promised of a sandbox that is not named."""
JUDGINGS = 100


def whole_candidates(core: int) -> None:
    """Print what the candidates of a real problem cost."""
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


def trivial_candidate(sandbox: Sandbox, core: int) -> bool:
    """Print what a trivial candidate costs through ``sandbox``; return whether the goals are met."""
    ref = ProblemRef(name=lanes.__file__, options={"workloads": "1"})
    task = JudgeTask(problem=ref, candidate=Candidate.from_source(lanes.FIRST), sandbox=sandbox.name)
    judge(task, cpu=core)
    walls, cpus, contained = [], [], _contained_s(sandbox)
    for _ in range(JUDGINGS):
        began, spent = time.perf_counter(), _spent_s()
        word = judge(task, cpu=core)
        walls.append(1e3 * (time.perf_counter() - began))
        cpus.append(1e3 * (_spent_s() - spent))
        if word.status is not Status.OK:
            raise SystemExit(f"the trivial candidate ended as {word.status}: {word.detail}")
    cpu, wall = statistics.median(cpus), statistics.median(walls)
    if isinstance(sandbox, Docker):
        # A container's processes are nobody's children here, and their clocks tick in 10 ms: only a mean tells.
        cpu = statistics.mean(cpus) + 1e3 * (_contained_s(sandbox) - contained) / JUDGINGS
    cpu_goal, wall_goal = TRIVIAL_GOALS_MS.get(sandbox.name, (None, None))
    row = {"judged_trivial_candidate": sandbox.name, "cpu_ms": round(cpu, 1), "wall_ms": round(wall, 1)}
    print(json.dumps({**row, "cpu_goal_ms": cpu_goal, "wall_goal_ms": wall_goal, "judgings": JUDGINGS}))
    return (cpu_goal is None or cpu <= cpu_goal) and (wall_goal is None or wall <= wall_goal)


def _spent_s() -> float:
    """Return CPU seconds of this process and of all that it started and waited for."""
    usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _contained_s(sandbox: Sandbox) -> float:
    """Return CPU seconds of the warm container's first process and of all that it waited for; 0 without one."""
    if not isinstance(sandbox, Docker):
        return 0.0
    (container,) = sandbox.idle()
    fields = Path(f"/proc/{container.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _found(name: str) -> Sandbox | str:
    """Return the sandbox, or why it cannot be had; a Docker engine is started if need be."""
    if name != "docker":
        try:
            return sandbox_named(name)
        except SandboxUnavailableError as error:
            return str(error)
    found = docker_sandbox()
    if isinstance(found, Docker):
        os.environ["SPECIATE_SANDBOX_IMAGE"] = found.image
    return found


def main() -> int:
    """Run both on one core and return the exit code."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    whole_candidates(core)
    met = []
    for name in sandbox_names():
        found = _found(name)
        if isinstance(found, str):
            print(f"judged trivial candidate: {name} skipped: {found}")
        else:
            met.append(trivial_candidate(found, core))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
