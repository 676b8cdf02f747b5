"""A small real problem for tests of the agent: routing jobs to three servers of different speed.

The interface has the shape of the serving router's. The world is a few hundred jobs with batch slots and memory
blocks; a candidate runs in this process, so only trusted code (the proposers' own) may be judged here.
"""

import heapq
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any

from speciate.evaluators import (
    Answer,
    Argument,
    Baseline,
    Candidate,
    Descriptor,
    Evaluation,
    EvaluationCache,
    Hook,
    Measurement,
    Objective,
    Policy,
    PolicyInterface,
    PolicyProbe,
    ProbeCall,
    Problem,
    Quantity,
    Record,
    Split,
    Status,
    Workload,
)

HOLD = -1
REQUEST = Record(
    name="Request",
    quantities=tuple(
        Quantity(name=name, unit=unit)
        for name, unit in (
            ("arrival", "s"),
            ("waited", "s"),
            ("prompt_tokens", "tokens"),
            ("predicted_output", "tokens"),
            ("prompt_blocks", "blocks"),
        )
    ),
)
VIEW = Record(
    name="View",
    quantities=(
        Quantity(name="now", unit="s"),
        Quantity(name="queue_length", unit="requests"),
        Quantity(name="queue_tokens", unit="tokens"),
    ),
)
REPLICA = Record(
    name="Replica",
    quantities=tuple(
        Quantity(name=name, unit=unit)
        for name, unit in (
            ("index", ""),
            ("speed", "x"),
            ("total_blocks", "blocks"),
            ("used_blocks", "blocks"),
            ("free_blocks", "blocks"),
            ("reserved_blocks", "blocks"),
            ("running", "requests"),
            ("queued", "requests"),
            ("context_tokens", "tokens"),
            ("iteration_s", "s"),
        )
    ),
)
INTERFACE = PolicyInterface(
    hooks=(
        Hook(name="key", arguments=(Argument(name="request", record=REQUEST),), answer=Answer(kind="number")),
        Hook(
            name="place",
            arguments=(
                Argument(name="head", record=REQUEST),
                Argument(name="view", record=VIEW, table="replicas", row=REPLICA),
            ),
            answer=Answer(kind="integer", low=HOLD, high="rows-1"),
        ),
    ),
    constants={"HOLD": HOLD},
)
SEED = """def key(request):
    return request.arrival


def place(head, view):
    for replica in view.replicas:
        if replica.free_blocks >= head.prompt_blocks * 2:
            return replica.index
    return HOLD
"""
LEAST_LOADED = """def key(request):
    return request.arrival


def place(head, view):
    best = min(view.replicas, key=lambda r: (r.running + r.queued) / r.speed)
    return best.index
"""
HEAD_ROOM = '''HEADROOM = 0.03
GROWTH = 1.6


def key(request):
    """Shortest prompt first."""
    return request.prompt_tokens


def place(head, view):
    best, best_score = HOLD, 1e300
    for replica in view.replicas:
        need = head.prompt_blocks * GROWTH
        if replica.free_blocks - replica.reserved_blocks - need < HEADROOM * replica.total_blocks:
            continue
        score = (replica.used_blocks + replica.reserved_blocks) / replica.total_blocks
        if score < best_score:
            best, best_score = replica.index, score
    return best
'''
FINISH_TIME = """def work(request):
    return request.prompt_tokens * 0.1 + request.predicted_output


def key(request):
    return work(request)


def place(head, view):
    fits = [r for r in view.replicas if r.free_blocks > head.prompt_blocks * 2]
    if not fits:
        return HOLD
    return min(fits, key=lambda r: ((work(head) + r.context_tokens * 0.5) / r.speed, r.index)).index
"""
SPEEDS = (0.5, 1.0, 2.5)
BLOCKS = (1500.0, 2000.0, 5000.0)


def candidate(text: str) -> Candidate:
    """Return a one-file candidate."""
    return Candidate.from_source(text)


class RoutingProblem(Problem[Policy]):
    """Mean seconds from arrival to completion of 150 jobs on three servers; two train workloads."""

    name = "synthetic-routing"
    title = "Routing in small"
    family = "test"
    version = "1"
    objective = Objective(name="latency", unit="s")
    descriptors = (
        Descriptor(name="fast_share", low=0.0, high=1.0, bins=6),
        Descriptor(name="held_share", low=0.0, high=1.0, bins=4),
    )
    interface = INTERFACE

    def seed(self) -> Candidate:
        return candidate(SEED)

    def baselines(self) -> Sequence[Baseline]:
        texts = {"least-loaded": LEAST_LOADED, "head-room": HEAD_ROOM, "finish-time": FINISH_TIME}
        return [Baseline(name=name, title=name, candidate=candidate(text)) for name, text in texts.items()]

    def workloads(self, split: Split) -> Sequence[Workload]:
        first = {"train": 0, "validation": 100, "heldout": 200}[split]
        seeds = range(first, first + (2 if split == "train" else 8))
        return [Workload(name=f"{split}/{seed}", split=split, seed=seed) for seed in seeds]

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        policy.begin(len(SPEEDS))
        return simulate(policy.hook("key"), policy.hook("place"), workload)

    def score(self, measurements: Sequence[Measurement]) -> float:
        return sum(each.objective for each in measurements) / len(measurements)

    def bound(self, workload: Workload) -> float | None:
        return None

    def brief(self) -> str:
        return "Route jobs to three servers of different speed."

    def probe(self) -> PolicyProbe:
        rng = Random(7)
        calls = [ProbeCall("key", tuple(_request(rng, 5.0))) for _ in range(20)]
        for _ in range(60):
            view = [rng.uniform(5, 60), rng.randint(1, 30), rng.uniform(500, 2e4)]
            rows = [number for index in range(3) for number in _probe_row(rng, index)]
            calls.append(ProbeCall("place", (*_request(rng, 5.0), *view, *rows)))
        return PolicyProbe(rows=3, calls=tuple(calls))


def _request(rng: Random, now: float) -> list[float]:
    prompt = float(int(rng.lognormvariate(6.2, 1.0)))
    output = float(int(rng.lognormvariate(6.0, 0.9)))
    arrival = rng.uniform(0, now)
    return [arrival, now - arrival, prompt, output, prompt // 16 + 1]


def _probe_row(rng: Random, index: int) -> list[float]:
    used = rng.uniform(0, BLOCKS[index])
    reserved = rng.uniform(0, 300)
    running = float(rng.randint(0, 12))
    return [index, SPEEDS[index], BLOCKS[index], used, BLOCKS[index] - used, reserved, running,
            float(rng.randint(0, 4)), used * 16, 0.02 + 0.002 * running]  # fmt: skip


class InProcess:
    """A trusted stand-in for a sandboxed policy: runs the candidate here, without a sandbox."""

    def __init__(self, source: str):
        self.source = source
        self.rows = 0
        self.module: dict[str, Any] = {}

    def begin(self, rows: int) -> None:
        self.rows, self.module = rows, {"HOLD": HOLD}
        exec(compile(self.source, "candidate.py", "exec"), self.module)

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        function, hook = self.module[name], INTERFACE.hook(name)

        shapes = [
            (argument.record.fields, argument.table, argument.row.fields if argument.row else ())
            for argument in hook.arguments
        ]

        def call(values: Sequence[float]) -> float:
            arguments, at = [], 0
            for fields, table, columns in shapes:
                record = SimpleNamespace(**dict(zip(fields, values[at : at + len(fields)], strict=True)))
                at += len(fields)
                if columns and table is not None:
                    width = len(columns)
                    rows = [
                        SimpleNamespace(**dict(zip(columns, values[i : i + width], strict=True)))
                        for i in range(at, at + self.rows * width, width)
                    ]
                    setattr(record, table, rows)
                arguments.append(record)
            answer = function(*arguments)
            if isinstance(answer, bool) or not isinstance(answer, int | float) or answer != answer:
                raise ValueError(f"{name} answered {answer!r}")
            if hook.answer.kind == "integer" and answer not in (HOLD, *range(self.rows)):
                raise ValueError(f"{name} answered {answer!r}")
            return float(answer)

        return call


def simulate(key: Callable[..., float], place: Callable[..., float], workload: Workload) -> Measurement:
    """Return the mean latency of 150 jobs, at most 8 at a time on a server, slower the more run together."""
    rng = Random(workload.seed)
    now, jobs = 0.0, []
    for _ in range(150):
        now += rng.expovariate(1.3)
        prompt, output = int(rng.lognormvariate(6.2, 1.0)), int(rng.lognormvariate(6.0, 0.9))
        guess = float(int(output * rng.lognormvariate(0, 0.4)) + 1)
        jobs.append((now, prompt, output, guess))
    servers = [{"used": 0.0, "running": 0, "context": 0.0} for _ in SPEEDS]
    events = [(job[0], 0, number) for number, job in enumerate(jobs)]
    queue: list[tuple[float, int]] = []
    done, calls, holds, fast = 0.0, 0, 0, 0
    running: dict[int, tuple[int, float]] = {}
    while events:
        now, kind, number = heapq.heappop(events)
        arrival, prompt, output, guess = jobs[number]
        if kind == 0:
            blocks = prompt // 16 + 1
            heapq.heappush(queue, (key((arrival, 0.0, prompt, guess, blocks)), number))
        else:
            server, need = running.pop(number)
            servers[server]["used"] -= need
            servers[server]["running"] -= 1
            servers[server]["context"] -= prompt + output
            done += now - arrival
        while queue:
            head = queue[0][1]
            arrival, prompt, output, guess = jobs[head]
            rows: list[float] = []
            for index, state in enumerate(servers):
                rows += [index, SPEEDS[index], BLOCKS[index], state["used"], BLOCKS[index] - state["used"], 0.0,
                         state["running"], 0.0, state["context"], 0.02 + 0.002 * state["running"]]  # fmt: skip
            calls += 1
            blocks = prompt // 16 + 1
            view = (now, float(len(queue)), float(sum(jobs[n][1] for _, n in queue)))
            server = int(place((arrival, now - arrival, prompt, guess, blocks, *view, *rows)))
            need = (prompt + output) / 16
            if server == HOLD or servers[server]["used"] + need > BLOCKS[server]:
                holds += 1
                break
            heapq.heappop(queue)
            state = servers[server]
            state["used"] += need
            state["running"] += 1
            state["context"] += prompt + output
            fast += server == 2
            running[head] = (server, need)
            rate = SPEEDS[server] / (1 + 0.15 * state["running"])
            heapq.heappush(events, (now + (prompt * 0.002 + output * 0.02) / rate, 1, head))
    if queue:
        raise ValueError(f"{len(queue)} jobs were never placed")
    return Measurement(
        workload=workload.name,
        objective=done / len(jobs),
        descriptors={"fast_share": fast / len(jobs), "held_share": holds / max(calls, 1)},
    )


def judge(
    candidate: Candidate, cache: EvaluationCache | None, split: Split = "train", only: tuple[str, ...] = ()
) -> Evaluation:
    """Judge a trusted candidate here and now; a source seen before is a duplicate."""
    known = cache.by_source(candidate.id) if cache else None
    if known is not None:
        return Evaluation(
            candidate=candidate.id,
            split=split,
            status=Status.DUPLICATE,
            score=known.score,
            descriptors=known.descriptors,
            duplicate_of=known.candidate,
        )
    problem = RoutingProblem()
    try:
        chosen = [each for each in problem.workloads(split) if not only or each.name in only]
        measurements = [_measured(candidate.source, split, workload.name) for workload in chosen]
    except (ArithmeticError, ValueError, TypeError, NameError, AttributeError, SyntaxError) as error:
        detail = f"{type(error).__name__}: {error}"
        return Evaluation(candidate=candidate.id, split=split, status=Status.CRASHED, detail=detail)
    return Evaluation(
        candidate=candidate.id,
        split=split,
        status=Status.OK,
        score=problem.score(measurements),
        descriptors=problem.describe(measurements),
        measurements=tuple(measurements),
    )


@cache
def _measured(source: str, split: Split, name: str) -> Measurement:
    """Measure a design once, however many searches meet it."""
    problem = RoutingProblem()
    (workload,) = (each for each in problem.workloads(split) if each.name == name)
    return problem.measure(InProcess(source), workload)


async def routing_judge(candidate: Candidate, cache: EvaluationCache | None) -> Evaluation:
    """``judge`` as the agent calls it."""
    return judge(candidate, cache)
