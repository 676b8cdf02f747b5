"""Placers for replicas that cache prefixes: read from the flat observation, nothing else."""

from collections.abc import Sequence

from speciate.simulators.serving import PREFIX_REPLICA_FIELDS, PREFIX_REQUEST_FIELDS

FIRST = len(PREFIX_REQUEST_FIELDS)
WIDTH = len(PREFIX_REPLICA_FIELDS)
CACHED, PREFILL, RUNNING, QUEUED, SPEED = (
    PREFIX_REPLICA_FIELDS.index(name) for name in ("cached_tokens", "prefill_tokens", "running", "queued", "speed")
)
PROMPT, SESSION = (PREFIX_REQUEST_FIELDS.index(name) for name in ("prompt_tokens", "session"))


def loads(observation: Sequence[float]) -> list[float]:
    """Requests running and queued at each replica."""
    return [observation[row + RUNNING] + observation[row + QUEUED] for row in range(FIRST, len(observation), WIDTH)]


class LeastOutstandingPlacer:
    def place(self, observation: Sequence[float]) -> int:
        counts = loads(observation)
        return counts.index(min(counts))


class MostCached:
    """The longest match; the least loaded of those that are equal in it."""

    def place(self, observation: Sequence[float]) -> int:
        ranks = list(zip((-each for each in observation[FIRST + CACHED :: WIDTH]), loads(observation), strict=True))
        return ranks.index(min(ranks))


class Sticky:
    """Each session to where its first request was least outstanding."""

    def __init__(self) -> None:
        self.home: dict[float, int] = {}

    def place(self, observation: Sequence[float]) -> int:
        return self.home.setdefault(observation[SESSION], LeastOutstandingPlacer().place(observation))


class PrefillTimesBatch:
    """The product of the prompt tokens to compute and the batch."""

    def place(self, observation: Sequence[float]) -> int:
        counts = loads(observation)
        tokens = [
            observation[row + PREFILL] + observation[PROMPT] - observation[row + CACHED]
            for row in range(FIRST, len(observation), WIDTH)
        ]
        scores = [(count + 1.0) * work for count, work in zip(counts, tokens, strict=True)]
        return scores.index(min(scores))
