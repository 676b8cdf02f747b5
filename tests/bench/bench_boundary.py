"""Cost of one decision through each sandbox that works here, and of starting one candidate.

Run it as ``python tests/bench/bench_boundary.py``. Judge and candidate share one core, as in a judging. CPU is
that of both processes, and of a container's supervisor. Goals: at least 40,000 decisions a second, at most 25 us of
CPU a decision, through either of the real sandboxes. The weak one has no row: it is not one to be fast in.
"""

import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speciate.evaluators import (
    Answer,
    Argument,
    Candidate,
    Hook,
    InlinePolicy,
    Limits,
    Policy,
    PolicyInterface,
    Quantity,
    Record,
    Sandbox,
    SandboxedPolicy,
    SandboxUnavailableError,
    open_policy,
    sandbox_named,
)
from speciate.evaluators.sandbox import Docker
from support.docker_engine import docker_sandbox

ROWS, ROW_WIDTH, HEAD_WIDTH, VIEW_WIDTH = 4, 14, 4, 4
DECISIONS = 60_000
STARTS = 30

LEAST_QUEUE = """
def place(head, view):
    best, at = view.v0, HOLD
    for index, replica in enumerate(view.replicas):
        if replica.q0 < best:
            best, at = replica.q0, index
    return at
"""
CONSTANT = "def place(head, view):\n    return 0\n"


def record(name: str, letter: str, width: int) -> Record:
    """Return a record of ``width`` numbers."""
    return Record(name=name, quantities=tuple(Quantity(name=f"{letter}{n}") for n in range(width)))


def interface() -> PolicyInterface:
    """Return one hook that observes 64 numbers: 4 of a head, 4 of a view, 4 rows of 14."""
    view = Argument(
        name="view",
        record=record("View", "v", VIEW_WIDTH),
        table="replicas",
        row=record("Replica", "q", ROW_WIDTH),
    )
    head = Argument(name="head", record=record("Head", "h", HEAD_WIDTH))
    answer = Answer(kind="integer", low=-1, high="rows-1")
    return PolicyInterface(
        hooks=(Hook(name="place", arguments=(head, view), answer=answer),), constants={"HOLD": -1.0}
    )


def measure(policy: Policy, label: str) -> None:
    """Print decisions a second and CPU a decision, the best of five fifths (the machine may be busy)."""
    policy.begin(ROWS)
    place = policy.hook("place")
    observation = [float(n % 17) for n in range(policy_width())]
    best_rate, best_cpu, spent = 0.0, float("inf"), 0.0
    for _ in range(5):
        cpu, wall = time.process_time() + _inside(policy), time.perf_counter()
        for _ in range(DECISIONS // 5):
            place(observation)
        wall = time.perf_counter() - wall
        spent = time.process_time() + _inside(policy) - cpu
        best_rate = max(best_rate, DECISIONS / 5 / wall)
        best_cpu = min(best_cpu, spent / (DECISIONS / 5))
    print(f"boundary {label}: {best_rate:,.0f} decisions/s, {best_cpu * 1e6:.1f} us CPU a decision (both processes)")


def policy_width() -> int:
    """Return how many numbers one observation holds."""
    return interface().hooks[0].width(ROWS)


def _inside(policy: Policy) -> float:
    return policy.cost.cpu_s if isinstance(policy, SandboxedPolicy) else 0.0


def measure_start(sandbox: Sandbox, core: int) -> None:
    """Print what one trivial candidate costs from start to first answer to death."""
    inside, walls = 0.0, []
    candidate, offered = Candidate.from_source(CONSTANT), interface()
    observation = [0.0] * policy_width()
    with open_policy(candidate, offered, Limits(), sandbox, cpu=core):
        pass  # A container is warm when the count begins.
    usage = _spent(sandbox)
    for _ in range(STARTS):
        began = time.perf_counter()
        with open_policy(candidate, offered, Limits(), sandbox, cpu=core) as policy:
            policy.begin(ROWS)
            policy.hook("place")(observation)
        walls.append(time.perf_counter() - began)
        inside += policy.cost.cpu_s
    total = _spent(sandbox) - usage
    best, median = min(walls) * 1e3, sorted(walls)[STARTS // 2] * 1e3
    print(
        f"{sandbox.name}: start to death of one candidate: {best:.1f} ms wall at best, {median:.1f} median; CPU "
        f"{total / STARTS * 1e3:.1f} ms (judge, launcher or supervisor, candidate), "
        f"{inside / STARTS * 1e3:.1f} of it the candidate"
    )


def _spent(sandbox: Sandbox) -> float:
    """Return CPU seconds of this process, of what it waited for, and of its warm containers with what these did."""
    usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    for container in sandbox.idle() if isinstance(sandbox, Docker) else ():
        fields = Path(f"/proc/{container.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        spent += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return spent


def _sandboxes() -> list[Sandbox]:
    """Return the real sandboxes that work here; say why one does not."""
    found: list[Sandbox | str] = [docker_sandbox()]
    try:
        found.append(sandbox_named("bubblewrap"))
    except SandboxUnavailableError as error:
        found.append(str(error))
    for each in found:
        if isinstance(each, str):
            print(f"skipped: {each}")
    return [each for each in found if not isinstance(each, str)]


def main() -> None:
    """Run all of it on one core."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    sandboxes = _sandboxes()
    for sandbox in sandboxes:
        for label, source in (("constant answer", CONSTANT), ("least queue", LEAST_QUEUE)):
            with open_policy(Candidate.from_source(source), interface(), Limits(), sandbox, cpu=core) as policy:
                measure(policy, f"64 numbers, {label}, {sandbox.name}")
    measure(InlinePolicy(LEAST_QUEUE, interface()), "64 numbers, least queue, inline (no boundary)")
    for sandbox in sandboxes:
        measure_start(sandbox, core)


if __name__ == "__main__":
    main()
