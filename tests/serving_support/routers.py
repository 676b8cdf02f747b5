"""Routers as the tests need them: read from the flat observation, nothing else."""

from collections.abc import Sequence
from random import Random

from speciate.simulators.serving import CLUSTER_FIELDS, HOLD, REPLICA_FIELDS, REQUEST_FIELDS, Router

FIRST = len(REQUEST_FIELDS) + len(CLUSTER_FIELDS)
WIDTH = len(REPLICA_FIELDS)
SPEED, TOTAL, USED, FREE, RESERVED, RUNNING, QUEUED = (
    REPLICA_FIELDS.index(name)
    for name in ("speed", "total_blocks", "used_blocks", "free_blocks", "reserved_blocks", "running", "queued")
)
PROMPT = REQUEST_FIELDS.index("prompt_tokens")


class ByArrival:
    """First come, first served in the central queue."""

    def key(self, request: Sequence[float]) -> float:
        return request[0]


class RoundRobin(ByArrival):
    def __init__(self) -> None:
        self.last = -1

    def place(self, observation: Sequence[float]) -> int:
        self.last = (self.last + 1) % ((len(observation) - FIRST) // WIDTH)
        return self.last


class LeastOutstanding(ByArrival):
    """Fewest requests placed and not finished, for each unit of speed."""

    def place(self, observation: Sequence[float]) -> int:
        least, choice = float("inf"), 0
        for index, row in enumerate(range(FIRST, len(observation), WIDTH)):
            load = (observation[row + RUNNING] + observation[row + QUEUED]) / observation[row + SPEED]
            if load < least:
                least, choice = load, index
        return choice


class PowerOfTwo(ByArrival):
    """The less loaded of two replicas drawn at random."""

    def __init__(self, seed: int):
        self.draw = Random(seed)

    def place(self, observation: Sequence[float]) -> int:
        pair = self.draw.sample(range((len(observation) - FIRST) // WIDTH), 2)
        rows = [FIRST + WIDTH * index for index in pair]
        loads = [observation[row + RUNNING] + observation[row + QUEUED] for row in rows]
        return pair[loads[1] < loads[0]]


class HeadRoom:
    """Head-room admission: shortest prompt first, only where 1.6 times the prompt leaves 3 % of the blocks free."""

    def __init__(self, *, shortest_first: bool = True):
        self.field = PROMPT if shortest_first else 0

    def key(self, request: Sequence[float]) -> float:
        return request[self.field]

    def place(self, observation: Sequence[float]) -> int:
        need = -(-observation[PROMPT] * 1.6 // 16)
        best, choice = (float("inf"), 0.0), HOLD
        for index, row in enumerate(range(FIRST, len(observation), WIDTH)):
            total = observation[row + TOTAL]
            taken = observation[row + USED] + observation[row + RESERVED] + need
            rank = (taken / total, observation[row + QUEUED])
            if total - taken >= 0.03 * total and rank < best:
                best, choice = rank, index
        return choice


class Scripted:
    """Answers drawn from a seed, HOLD among them: no sense, and every path of the engine."""

    def __init__(self, seed: int, replicas: int, *, hold: float):
        self.draw = Random(seed)
        self.replicas = replicas
        self.hold = hold

    def key(self, request: Sequence[float]) -> float:
        return float(self.draw.randrange(5))

    def place(self, observation: Sequence[float]) -> int:
        return HOLD if self.draw.random() < self.hold else self.draw.randrange(self.replicas)


class Recorder:
    """Passes everything on and keeps what was observed and answered."""

    def __init__(self, router: Router):
        self.router = router
        self.observations: list[tuple[float, ...]] = []
        self.answers: list[float] = []

    def key(self, request: Sequence[float]) -> float:
        self.observations.append(tuple(request))
        self.answers.append(self.router.key(request))
        return self.answers[-1]

    def place(self, observation: Sequence[float]) -> int | float:
        self.observations.append(tuple(observation))
        self.answers.append(self.router.place(observation))
        return self.answers[-1]
