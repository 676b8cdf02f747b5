"""Schedulers as the tests need them: read from the flat observation, nothing else."""

from collections.abc import Sequence
from random import Random

from speciate.simulators.serving import ENGINE_FIELDS, JOB_FIELDS

WAITED, PROMPT, GENERATED, PREDICTED, LEFT, BLOCKS, RESIDENT, _, FIRST, TOKEN, SWAP = range(len(JOB_FIELDS))
NOW, TOTAL, FREE, PEAK, HOST, DECODING, WAITING, TOKENS, ITERATION, BUDGET, JOINED = range(
    len(JOB_FIELDS), len(JOB_FIELDS) + len(ENGINE_FIELDS)
)


class FirstCome:
    """What vLLM does: first come first served, all that fits, the last admitted is preempted and recomputed."""

    def __init__(self, *, chunk: float = 1e9, swap: float = -1.0):
        self.most, self.copies = chunk, swap

    def rank(self, observation: Sequence[float]) -> float:
        return observation[NOW] - observation[WAITED]

    def chunk(self, observation: Sequence[float]) -> float:
        if observation[RESIDENT] == 0.0 and observation[BLOCKS] > observation[FREE]:
            return 0.0
        return max(0.0, self.most - observation[JOINED] - observation[DECODING])

    def evict(self, observation: Sequence[float]) -> float:
        return -observation[RESIDENT]

    def swap(self, observation: Sequence[float]) -> float:
        return self.copies


class ShortestFirst(FirstCome):
    """Least predicted work first, by the tokens that are to come."""

    def rank(self, observation: Sequence[float]) -> float:
        return observation[PROMPT] + max(observation[PREDICTED] - observation[GENERATED], 1.0)


class HeadRoomFirst(FirstCome):
    """First come, admitted only where a tenth of the blocks stays free for those that decode to grow into."""

    def chunk(self, observation: Sequence[float]) -> float:
        if observation[RESIDENT] == 0.0 and observation[BLOCKS] + 0.1 * observation[TOTAL] > observation[FREE]:
            return 0.0 if observation[DECODING] else 1e9
        return super().chunk(observation)


class LeastAttained(FirstCome):
    """Who has had least goes first, and takes the place of who has had more than its share."""

    def rank(self, observation: Sequence[float]) -> float:
        return observation[GENERATED] + 0.05 * observation[PROMPT]

    def chunk(self, observation: Sequence[float]) -> float:
        return max(0.0, self.most - observation[JOINED] - observation[DECODING])

    def evict(self, observation: Sequence[float]) -> float:
        return observation[GENERATED] - 200.0 if observation[RESIDENT] > 5.0 else -1.0


class Whims:
    """Answers drawn from a seed: no sense, and every path of the engine."""

    def __init__(self, seed: int):
        self.draw = Random(seed)

    def rank(self, observation: Sequence[float]) -> float:
        return float(self.draw.randrange(5))

    def chunk(self, observation: Sequence[float]) -> float:
        return self.draw.choice((0.0, 0.0, 3.0, 7.5, 1e9))

    def evict(self, observation: Sequence[float]) -> float:
        return self.draw.uniform(-0.5, 1.0)

    def swap(self, observation: Sequence[float]) -> float:
        return self.draw.uniform(-1.0, 1.0)
