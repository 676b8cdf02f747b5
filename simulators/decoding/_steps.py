"""Steps of speculative decoding: before each the drafts of all sequences are chosen, then one pass checks them all.

A sequence drafts a chain of ``length`` tokens and, at each of its levels, ``width - 1`` alternatives that are not
gone on from. Of the chain it keeps what is before the first wrong token; if the right one is among the alternatives
there, that too; and then a token of the target's own. The drafter runs as often as the longest chain is long, each time
over the sequences that are still drafting, and everybody waits for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ._engine import Engine
from ._text import Floats, Ints, Text, Wave, require_waves

SEQUENCE_FIELDS = (
    "generated",
    "drafted",
    "accepted",
    "recent",
    "rate",
    "tested",
    "idle",
    "confidence",
    "chosen",
)
BATCH_FIELDS = ("active", "waiting", "planned", "deepest", "knee", "draft_cost", "acceptance", "rescued")
LONGEST, WIDEST = 12, 4
"""Limits of a draft."""
MEMORY = 0.9
"""By how much the recent acceptance of a sequence fades with each token that was tested: about the last ten count."""
BATCH_MEMORY = 0.998
"""The same of the batch's, with each test: about the last 500."""
FIRST_ACCEPTANCE, FIRST_RESCUED = 0.5, 0.25
"""What is said before anything was tested."""


class DecisionError(Exception):
    """A policy answered something that is no draft."""


class Drafting(Protocol):
    """Who decides. Both are given ``SEQUENCE_FIELDS`` and ``BATCH_FIELDS`` as one flat list of floats."""

    def length(self, observed: Sequence[float]) -> float:
        """Return how many tokens the sequence drafts in this step: an integer from 0 to ``LONGEST``."""

    def width(self, observed: Sequence[float]) -> float:
        """Return how many candidates each level has, from 1 to ``WIDEST``; asked where the length is not 0."""


@dataclass(frozen=True)
class Outcome:
    """What the steps took. Times are in passes of the target over very few tokens."""

    step_time: Floats
    """Shape (steps,)."""
    drafting_time: Floats
    """Of each step, what the drafter took. Shape (steps,)."""
    active: Ints
    """Sequences in each step. Shape (steps,)."""
    wave: Ints
    """Of each step. Shape (steps,)."""
    turns: Ints
    """Shape (turns, 5): of each sequence in each step, in order: step, length, width, tokens accepted of the draft,
    tokens gained."""

    @property
    def time(self) -> float:
        """Of all steps."""
        return float(self.step_time.sum())

    @property
    def tokens(self) -> int:
        """Generated in all."""
        return int(self.turns[:, 4].sum())


class _State:
    """A sequence that is being decoded."""

    __slots__ = ("accepted", "at", "confidence", "drafted", "hits", "idle", "rank", "stop", "tested", "tests", "wins")

    def __init__(self, text: Text):
        self.rank: list[int] = text.rank.tolist()
        self.confidence: list[float] = text.confidence.tolist()
        self.stop = breaks(text).tolist()
        self.at = self.drafted = self.accepted = self.idle = 0
        self.tested = self.wins = 0
        self.hits = self.tests = 0.0


def breaks(text: Text) -> Ints:
    """Return for each token the position of the first one from there on that the drafter has wrong, shape (n + 1,).

    ``n`` where there is none.
    """
    n = len(text)
    wrong = np.where(np.asarray(text.rank) > 0, np.arange(n), n)
    found: Ints = np.append(np.minimum.accumulate(wrong[::-1])[::-1], n)
    return found


def simulate(waves: Sequence[Wave], engine: Engine, drafting: Drafting) -> Outcome:
    """Decode the waves one after the other; a wave begins when the one before has ended.

    Every step gives every sequence in it at least one token, so that no policy can go on for ever.

    Raises:
        ValueError: waves that cannot be, named by sequence and token.
        DecisionError: a length or width that is no integer in its range.
    """
    require_waves(waves)
    run = _Run(engine, drafting)
    for number, wave in enumerate(waves):
        run.through(number, wave)
    step_time, drafting_time, active, of = (np.array(each) for each in zip(*run.steps, strict=True))
    return Outcome(step_time, drafting_time, active, of, np.array(run.turns, dtype=np.int64))


class _Run:
    """State of one run."""

    def __init__(self, engine: Engine, drafting: Drafting):
        self.engine = engine
        self.ask_length, self.ask_width = drafting.length, drafting.width
        self.steps: list[tuple[float, float, int, int]] = []
        self.turns: list[tuple[int, int, int, int, int]] = []
        self.hits = self.tests = self.rescued = self.missed = 0.0
        self.times: dict[int, float] = {}

    def through(self, number: int, wave: Wave) -> None:
        """Decode one wave."""
        waiting = [_State(text) for text in reversed(wave.texts)]
        active: list[_State] = []
        while waiting or active:
            while waiting and len(active) < wave.slots:
                active.append(waiting.pop())
            self._step(number, active, len(waiting))
            active = [state for state in active if state.at < len(state.rank)]

    def _pass(self, tokens: int) -> float:
        if tokens not in self.times:
            self.times[tokens] = self.engine.pass_time(tokens)
        return self.times[tokens]

    def _step(self, number: int, active: list[_State], waiting: int) -> None:
        """Ask for every sequence's draft, then check them all."""
        planned, deepest = len(active), 0
        chosen = []
        batch = [self.engine.knee, self.engine.draft_cost, self._acceptance(), self._rescued()]
        for state in active:
            length, width = self._asked(state, [float(len(active)), float(waiting), float(planned), deepest, *batch])
            chosen.append((state, length, width))
            planned += length * width
            deepest = max(deepest, length)
        drafting = 0.0
        for level in range(deepest):
            drafting += self.engine.draft_cost * self._pass(sum(length > level for _, length, _ in chosen))
        step = len(self.steps)
        self.steps.append((drafting + self._pass(planned), drafting, len(active), number))
        for state, length, width in chosen:
            accepted, gained = self._checked(state, length, width)
            self.turns.append((step, length, width, accepted, gained))

    def _asked(self, state: _State, batch: list[float]) -> tuple[int, int]:
        """Return the length and width of a sequence's draft."""
        acceptance = batch[-2]
        observed = [
            float(state.at),
            float(state.drafted),
            float(state.accepted),
            state.hits / state.tests if state.tests else acceptance,
            state.wins / state.tested if state.tested else acceptance,
            float(state.tested),
            float(state.idle),
            state.confidence[state.at],
            0.0,
            *batch,
        ]
        length = _whole(self.ask_length(observed), "length", 0, LONGEST)
        if not length:
            return 0, 1
        observed[8] = float(length)
        return length, _whole(self.ask_width(observed), "width", 1, WIDEST)

    def _checked(self, state: _State, length: int, width: int) -> tuple[int, int]:
        """Move a sequence on; return the drafted tokens it keeps and all that it gains."""
        state.drafted = length
        state.idle = 0 if length else state.idle + 1
        at, end = state.at, len(state.rank)
        chain = min(state.stop[at] - at, length)
        broken = chain < length and at + chain < end
        accepted = chain
        if broken:
            rank = state.rank[at + chain]
            accepted += rank < width
            self.missed = BATCH_MEMORY * self.missed + 1.0
            self.rescued = BATCH_MEMORY * self.rescued + (rank < WIDEST)
        state.accepted = accepted
        tests = chain + broken
        if tests:
            state.tested += tests
            state.wins += chain
            self._learn(state, chain, tests)
        gained = min(accepted + 1, end - at)
        state.at += gained
        return accepted, gained

    def _learn(self, state: _State, chain: int, tests: int) -> None:
        """Let what was tested count in the fading means."""
        kept = MEMORY**tests
        state.hits = kept * state.hits + chain
        state.tests = kept * state.tests + tests
        kept = BATCH_MEMORY**tests
        self.hits = kept * self.hits + chain
        self.tests = kept * self.tests + tests

    def _acceptance(self) -> float:
        return self.hits / self.tests if self.tests else FIRST_ACCEPTANCE

    def _rescued(self) -> float:
        return self.rescued / self.missed if self.missed else FIRST_RESCUED


def _whole(answer: float, what: str, low: int, high: int) -> int:
    """Return the answer as an integer. Raises DecisionError where it is none of the range."""
    if not low <= answer <= high or answer != int(answer):
        raise DecisionError(f"expected {what} to be an integer from {low} to {high}, got {answer}")
    return int(answer)
