"""Cost of one decision through bubblewrap, and of starting one candidate.

Run it as ``python tests/bench/bench_boundary.py``. Judge and candidate share one core, as in a judging. CPU is
that of both processes. Goals: at least 40,000 decisions a second, at most 25 us of CPU a decision.
"""

import os
import resource
import time

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
    SandboxedPolicy,
    open_policy,
    sandbox_named,
)

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


def measure_start(core: int) -> None:
    """Print what one trivial candidate costs from start to first answer to death."""
    sandbox, inside, walls = sandbox_named(), 0.0, []
    candidate, offered = Candidate.from_source(CONSTANT), interface()
    usage = _spent()
    observation = [0.0] * policy_width()
    for _ in range(STARTS):
        began = time.perf_counter()
        with open_policy(candidate, offered, Limits(), sandbox, cpu=core) as policy:
            policy.begin(ROWS)
            policy.hook("place")(observation)
        walls.append(time.perf_counter() - began)
        inside += policy.cost.cpu_s
    total = _spent() - usage
    best, median = min(walls) * 1e3, sorted(walls)[STARTS // 2] * 1e3
    print(
        f"start to death of one candidate: {best:.1f} ms wall at best, {median:.1f} median; CPU "
        f"{total / STARTS * 1e3:.1f} ms (judge, launcher, candidate), {inside / STARTS * 1e3:.1f} of it the candidate"
    )


def _spent() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    """Run all of it on one core."""
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    for label, source in (("64 numbers, constant answer", CONSTANT), ("64 numbers, least queue", LEAST_QUEUE)):
        with open_policy(Candidate.from_source(source), interface(), Limits(), sandbox_named(), cpu=core) as policy:
            measure(policy, label)
    measure(InlinePolicy(LEAST_QUEUE, interface()), "64 numbers, least queue, inline (no boundary)")
    measure_start(core)


if __name__ == "__main__":
    main()
