"""Controllers for split clusters: read from the flat observation, nothing else."""

from collections.abc import Sequence
from random import Random

from speciate.simulators.serving import SPLIT_REPLICA_FIELDS, SPLIT_REQUEST_FIELDS, Controller

FIRST = len(SPLIT_REQUEST_FIELDS)
WIDTH = len(SPLIT_REPLICA_FIELDS)
PREFILLS, DECODES, PROMPT_S, DECODE_S, PREFILL, RUNNING, QUEUED, INCOMING = (
    SPLIT_REPLICA_FIELDS.index(name)
    for name in (
        "prefills",
        "decodes",
        "prompt_token_s",
        "decode_token_s",
        "prefill_tokens",
        "running",
        "queued",
        "incoming",
    )
)


class LeastWork:
    """Prompts by the time to compute what waits, a batch counted as its next iteration; decodes by requests."""

    def prefill(self, observation: Sequence[float]) -> int:
        best, choice = float("inf"), 0
        for index, row in enumerate(range(FIRST, len(observation), WIDTH)):
            if not observation[row + PREFILLS]:
                continue
            work = (observation[row + PREFILL] + observation[0]) * observation[row + PROMPT_S]
            if observation[row + DECODES]:
                work += 0.1 * observation[row + RUNNING] * observation[row + DECODE_S]
            if work < best:
                best, choice = work, index
        return choice

    def decode(self, observation: Sequence[float]) -> int:
        best, choice = float("inf"), 0
        for index, row in enumerate(range(FIRST, len(observation), WIDTH)):
            if not observation[row + DECODES]:
                continue
            count = observation[row + RUNNING] + observation[row + QUEUED] + observation[row + INCOMING]
            work = (count + 1.0) * observation[row + DECODE_S]
            if work < best:
                best, choice = work, index
        return choice


class Drawn:
    """Answers drawn from a seed, replicas that cannot do the work among them."""

    def __init__(self, seed: int, replicas: int):
        self.draw = Random(seed)
        self.replicas = replicas

    def prefill(self, observation: Sequence[float]) -> int:
        return self.draw.randrange(self.replicas)

    def decode(self, observation: Sequence[float]) -> int:
        return self.draw.randrange(self.replicas)


class Noting:
    """Passes everything on and keeps what was observed."""

    def __init__(self, controller: Controller):
        self.controller = controller
        self.observations: list[tuple[float, ...]] = []

    def prefill(self, observation: Sequence[float]) -> int | float:
        self.observations.append(tuple(observation))
        return self.controller.prefill(observation)

    def decode(self, observation: Sequence[float]) -> int | float:
        self.observations.append(tuple(observation))
        return self.controller.decode(observation)
