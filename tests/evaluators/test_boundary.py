"""The policy boundary: what crosses it, what each failure is called, and what is left behind."""

import gc
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from speciate.evaluators import (
    Candidate,
    CandidateFault,
    InlinePolicy,
    Limits,
    Policy,
    PolicyInterface,
    Sandbox,
    SandboxedPolicy,
    SandboxError,
    Status,
    open_policy,
)

from .conftest import ROWS, children

PLACE = """
from dataclasses import dataclass

@dataclass
class Seen:
    calls: int = 0

seen = Seen()

def key(request):
    seen.calls += 1
    return request.prompt + 1000 * seen.calls

def place(head, view):
    best, at = head.waited, HOLD
    for index, replica in enumerate(view.replicas):
        if replica.queue / replica.speed + view.load < best:
            best, at = replica.queue / replica.speed + view.load, index
    return at
"""
HEAD = (100.0, 5.0)
VIEW = (0.0, 0.5)
TABLE = (1.0, 4.0, 2.0, 2.0, 4.0, 8.0)


def opened(source: str, interface: PolicyInterface, limits: Limits, sandbox: Sandbox) -> SandboxedPolicy:
    return open_policy(Candidate.from_source(source), interface, limits, sandbox)


def choosing(body: str) -> str:
    return f"def choose(view):\n    {body}\n"


def fault_of(policy: Policy, *values: float) -> CandidateFault:
    try:
        policy.begin(ROWS)
        answer = policy.hook("choose")(values or (0.0, 1.0, *TABLE))
    except CandidateFault as fault:
        return fault
    pytest.fail(f"expected a fault, got the answer {answer}")


@pytest.mark.usefixtures("nothing_left")
def test_each_hook_sees_its_records_and_the_table(two_hooks: PolicyInterface, quick: Limits, sandbox: Sandbox) -> None:
    with opened(PLACE, two_hooks, quick, sandbox) as policy:
        policy.begin(ROWS)
        key, place = policy.hook("key"), policy.hook("place")
        assert place((*HEAD, *VIEW, *TABLE)) == 1
        assert place((*HEAD, *VIEW, 1.0, 4.0, 2.0, 2.0, 4.0, 1.0)) == 2
        assert place((100.0, 0.1, *VIEW, *TABLE)) == -1
        assert key((7.0, 3.0)) == 1007.0
        assert key((7.5, 3.0)) == 2007.5
        assert policy.cost.decisions == 5
        assert policy.cost.cpu_s > 0


def test_inline_and_sandboxed_answers_are_the_same_doubles(
    two_hooks: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    source = PLACE.replace("return request.prompt", "import random; return random.gauss(0, 1) / request.output")
    inline = InlinePolicy(source, two_hooks)
    requests = [(float(n), 1.0 + n / 7) for n in range(50)]
    with opened(source, two_hooks, quick, sandbox) as policy:
        for rows in (ROWS, 0, 40):
            answers = []
            for either in (inline, policy):
                either.begin(rows)
                key, place = either.hook("key"), either.hook("place")
                view = (*HEAD, *VIEW, *[1.0 + n % 5 for n in range(2 * rows)])
                answers.append([*map(key, requests), place(view)])
            assert answers[0] == answers[1]


def test_the_module_runs_afresh_at_every_begin(two_hooks: PolicyInterface, quick: Limits, sandbox: Sandbox) -> None:
    with opened(PLACE, two_hooks, quick, sandbox) as policy:
        for _ in range(3):
            policy.begin(ROWS)
            assert policy.hook("key")((7.0, 3.0)) == 1007.0


def test_string_hashes_do_not_differ_between_processes(
    one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    source = choosing("return sorted(range(3), key=lambda n: hash(str(n)) % 1000)[0] if hash('a') % 2 else 1")
    answers = set()
    for _ in range(4):
        with opened(source, one_hook, quick, sandbox) as policy:
            policy.begin(ROWS)
            answers.add(policy.hook("choose")((0.0, 1.0, *TABLE)))
    assert len(answers) == 1


def test_observations_larger_than_a_pipe_cross_whole(
    one_hook: PolicyInterface, quick: Limits, bubblewrap: Sandbox
) -> None:
    rows = 20_000
    source = choosing("return max(range(len(view.replicas)), key=lambda n: view.replicas[n].queue)")
    values = [0.0, 1.0] + [float(n % 1999) for n in range(2 * rows)]
    with opened(source, one_hook, quick, bubblewrap) as policy:
        policy.begin(rows)
        queues = values[3::2]
        assert policy.hook("choose")(values) == queues.index(max(queues))


def test_integers_and_integral_floats_are_integers(
    one_hook: PolicyInterface, quick: Limits, bubblewrap: Sandbox
) -> None:
    for text, expected in (("2", 2.0), ("2.0", 2.0), ("-1", -1.0), ("-0.0", 0.0)):
        for policy in (
            opened(choosing(f"return {text}"), one_hook, quick, bubblewrap),
            InlinePolicy(choosing(f"return {text}"), one_hook),
        ):
            policy.begin(ROWS)
            assert policy.hook("choose")((0.0, 1.0, *TABLE)) == expected
            if isinstance(policy, SandboxedPolicy):
                policy.close()


@pytest.mark.parametrize(
    ("text", "expected", "got"),
    [
        ("3", "an integer in [-1, 2]", "3.0"),
        ("0.5", "an integer in [-1, 2]", "0.5"),
        ("float('nan')", "an integer in [-1, 2]", "nan"),
        ("True", "a plain int or float", "bool"),
        ("None", "a plain int or float", "NoneType"),
        ("10**400", "a number that fits a double", "an integer beyond"),
    ],
)
def test_a_refused_answer_names_hook_expected_and_got(
    text: str, expected: str, got: str, one_hook: PolicyInterface, quick: Limits, bubblewrap: Sandbox
) -> None:
    source = choosing(f"return {text}")
    with opened(source, one_hook, quick, bubblewrap) as policy:
        faults = [fault_of(policy), fault_of(InlinePolicy(source, one_hook))]
    for fault in faults:
        assert fault.status is Status.PROTOCOL
        assert fault.detail.startswith("choose: expected")
        assert expected in fault.detail
        assert got in fault.detail.lower() or got in fault.detail


def test_a_crash_is_told_with_the_candidates_own_lines_only(
    one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    source = "def inner(x):\n    return 1 / x\n\ndef choose(view):\n    return inner(view.time)\n"
    with opened(source, one_hook, quick, sandbox) as policy:
        fault = fault_of(policy)
    assert fault.status is Status.CRASHED
    assert fault.detail.splitlines() == [
        "ZeroDivisionError: float division by zero",
        "  candidate.py, line 5, in choose: return inner(view.time)",
        "  candidate.py, line 2, in inner: return 1 / x",
    ]
    assert fault_of(InlinePolicy(source, one_hook)).detail == fault.detail


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("def choose(view)\n    return 0\n", "line 1: expected ':'"),
        ("def chosen(view):\n    return 0\n", "choose"),
        ("def choose():\n    return 0\n", "parameter"),
        ("def choose(view, *, extra):\n    return 0\n", "parameter"),
        ("choose = 3\n", "function"),
        ("\0", "null"),
        ("(" * 5000 + ")" * 5000, "candidate.py"),
    ],
)
def test_what_is_no_policy_is_invalid(
    source: str, word: str, one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    with opened(source, one_hook, quick, sandbox) as policy:
        fault = fault_of(policy)
    assert fault.status is Status.INVALID
    assert word in fault.detail


def test_a_fault_is_final(one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox) -> None:
    with opened(choosing("return 99"), one_hook, quick, sandbox) as policy:
        policy.begin(ROWS)
        choose = policy.hook("choose")
        with pytest.raises(CandidateFault) as first:
            choose((0.0, 1.0, *TABLE))
        for again in (lambda: choose((0.0, 1.0, *TABLE)), lambda: policy.begin(ROWS)):
            with pytest.raises(CandidateFault) as caught:
                again()
            assert caught.value is first.value


def test_an_observation_of_the_wrong_width_is_the_problems_error(
    one_hook: PolicyInterface, quick: Limits, bubblewrap: Sandbox
) -> None:
    with opened(choosing("return 0"), one_hook, quick, bubblewrap) as policy:
        policy.begin(ROWS)
        choose = policy.hook("choose")
        with pytest.raises(ValueError, match=r"hook choose: expected 8 numbers with rows=3, got 2"):
            choose((0.0, 1.0))
        assert choose((0.0, 1.0, *TABLE)) == 0
        assert policy.cost.decisions == 1


def test_a_call_of_an_earlier_workload_or_a_closed_policy_is_refused(
    one_hook: PolicyInterface, quick: Limits, bubblewrap: Sandbox
) -> None:
    with opened(choosing("return 0"), one_hook, quick, bubblewrap) as policy:
        policy.begin(ROWS)
        stale = policy.hook("choose")
        policy.begin(ROWS)
        with pytest.raises(RuntimeError, match="ask hook"):
            stale((0.0, 1.0, *TABLE))
        fresh = policy.hook("choose")
        assert fresh((0.0, 1.0, *TABLE)) == 0
    with pytest.raises(RuntimeError, match="ask hook"):
        fresh((0.0, 1.0, *TABLE))
    with pytest.raises(RuntimeError, match="closed"):
        policy.begin(ROWS)


@pytest.mark.usefixtures("nothing_left")
def test_the_whole_wall_and_cpu_limits_are_kept(one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox) -> None:
    for limits, word in (
        (quick.model_copy(update={"wall_s": 0.3}), "wall seconds"),
        (quick.model_copy(update={"cpu_s": 0.2}), "CPU seconds"),
    ):
        with opened(choosing("return 0 * sum(range(100_000))"), one_hook, limits, sandbox) as policy:
            policy.begin(ROWS)
            with pytest.raises(CandidateFault, match=word) as caught:
                _answer_many(policy.hook("choose"))
            assert caught.value.status is Status.TIMEOUT


def _answer_many(choose: Callable[[Sequence[float]], float]) -> None:
    for _ in range(100_000):
        choose((0.0, 1.0, *TABLE))


def test_a_worker_killed_from_outside_is_our_failure_and_not_the_candidates(
    one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    with opened(choosing("return 0"), one_hook, quick, sandbox) as policy:
        policy.begin(ROWS)
        os.kill(policy.pid, signal.SIGKILL)
        with pytest.raises(SandboxError, match="killed"):
            policy.hook("choose")((0.0, 1.0, *TABLE))


@pytest.mark.usefixtures("nothing_left")
def test_an_interrupt_in_the_middle_of_a_decision_leaves_nothing(
    one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    main = threading.get_ident()
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), opened(  # noqa: PT012 - the interrupt may come anywhere inside
        "import time\n" + choosing("time.sleep(1000)"), one_hook, quick, sandbox
    ) as policy:
        policy.begin(ROWS)
        policy.hook("choose")((0.0, 1.0, *TABLE))
    timer.join()


@pytest.mark.usefixtures("nothing_left")
def test_closing_twice_and_without_beginning_is_fine(
    one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox
) -> None:
    policy = opened(choosing("return 0"), one_hook, quick, sandbox)
    policy.close()
    policy.close()
    assert policy.cost.decisions == 0
    assert policy.cost.wall_s > 0


@pytest.mark.usefixtures("nothing_left")
def test_many_policies_at_once_and_in_threads(one_hook: PolicyInterface, quick: Limits, sandbox: Sandbox) -> None:
    answers: list[float] = []

    def play(row: int) -> None:
        with opened(choosing(f"return {row}"), one_hook, quick, sandbox) as policy:
            policy.begin(ROWS)
            choose = policy.hook("choose")
            answers.extend(choose((0.0, 1.0, *TABLE)) for _ in range(50))

    threads = [threading.Thread(target=play, args=(row,)) for row in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0.0] * 50 + [1.0] * 50 + [2.0] * 50


def test_a_judge_that_is_killed_takes_its_candidates_along(sandbox: Sandbox) -> None:
    """A sleeping candidate has no deadline of its own once the watchdog is gone."""
    told, tell = os.pipe()
    judge = os.fork()
    if judge == 0:
        try:
            os.close(told)
            # In a container the candidate is no descendant of ours, so its pid is told and not looked for.
            held = sandbox.start(Limits())
            os.write(tell, str(held.pid).encode())
            time.sleep(1000)
        finally:
            os._exit(1)
    os.close(tell)
    assert select.select([told], [], [], 60.0)[0], "the judge started no candidate"
    family = {int(os.read(told, 20)), *children(judge)}
    os.close(told)
    assert all(os.path.exists(f"/proc/{pid}") for pid in family)
    os.kill(judge, signal.SIGKILL)
    os.waitpid(judge, 0)
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") and _state(pid) != "Z" for pid in family):
        assert time.monotonic() < deadline, f"left behind: {family}"
        time.sleep(0.05)
    gc.collect()


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
