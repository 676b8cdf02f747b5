"""What a policy may know of experts from the steps so far: how often, how lately, with whom, and how guesses did."""

from ._memory import Key

MEMORY = 0.94
"""By how much an expert's rate fades with each step: about the last 16 count."""
LONG = 0.99
"""The same of hits and of the guesses' accuracy, with each layer served."""
FIRST_SHARE = 0.5
"""What is said of shares before there is anything to count."""


class Fading:
    """A share of which the past fades."""

    def __init__(self) -> None:
        self._good = self._all = 0.0

    def count(self, good: int, of: int) -> None:
        """Let ``good`` of ``of`` count."""
        self._good, self._all = LONG * self._good + good, LONG * self._all + of

    @property
    def share(self) -> float:
        """The share, ``FIRST_SHARE`` before anything was counted."""
        return self._good / self._all if self._all else FIRST_SHARE


class Knowledge:
    """Uses of every expert, counted as they come. Steps are numbered from 0."""

    def __init__(self, layers: int, experts: int):
        shape = range(layers)
        self.uses = [[0] * experts for _ in shape]
        self.last = [[-1] * experts for _ in shape]
        self.streak = [[0] * experts for _ in shape]
        self._rate = [[0.0] * experts for _ in shape]
        self._together = [[[0] * experts for _ in range(experts)] for _ in shape]
        """By layer, expert, and expert of the layer before: steps that wanted both."""
        self._before: list[int] = []
        self.guesses, self.hits = Fading(), Fading()

    def serve(self, step: int, layer: int, wanted: list[int]) -> None:
        """Count the experts that a layer wants in a step; layers come in order."""
        for expert in wanted:
            self._rate[layer][expert] = self.rate((layer, expert), step) + 1.0 - MEMORY
            self.streak[layer][expert] = self.streak[layer][expert] + 1 if self.last[layer][expert] == step - 1 else 1
            self.last[layer][expert] = step
            self.uses[layer][expert] += 1
            if layer:
                row = self._together[layer][expert]
                for other in self._before:
                    row[other] += 1
        self._before = wanted

    def rate(self, key: Key, step: int) -> float:
        """Return the fading share of the steps before ``step``, or up to it once served, that wanted the expert."""
        layer, expert = key
        since = step - max(self.last[layer][expert], 0)
        return self._rate[layer][expert] * float(MEMORY**since)

    def idle(self, key: Key, step: int) -> int:
        """Return the steps since the expert was last wanted, or since the run began."""
        return step - max(self.last[key[0]][key[1]], 0)

    def companion(self, key: Key) -> float:
        """Return how likely the expert is after those just served of the layer before: the mean over them.

        0 where the expert's layer is the first.
        """
        layer, expert = key
        if layer == 0 or not self._before:
            return 0.0
        row, uses = self._together[layer][expert], self.uses[layer - 1]
        return sum(row[other] / uses[other] for other in self._before) / len(self._before)
