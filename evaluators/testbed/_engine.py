"""Who is computed next: the continuous batching of one replica, over paged KV memory.

The rules are those of the simulated replica (``simulators/serving/_replica.py``), written for a server: one plan an
iteration, real block numbers, no clock. Running requests decode first, a started prompt goes on, then waiting ones are
admitted in order while tokens, places and blocks last; where decoding lacks blocks, the last admitted one is preempted.
"""

from collections import deque
from dataclasses import dataclass, field

from speciate.simulators.serving import REPLICA_FIELDS

from ._sizes import ReplicaSize


@dataclass
class Sequence:
    """One request at a replica. Lengths are tokens."""

    number: int
    prompt: int
    output: int
    """It ends with this many, whatever they say: the model's weights mean nothing."""
    predicted: int
    generated: int = 0
    cached: int = 0
    """Tokens whose keys and values are held."""
    pending: int = 0
    """Tokens to be cached before the next one comes out, where a prompt is being computed; 0 while it decodes."""
    blocks: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    """The prompt and what was generated, as the model's words; the server fills it in."""


@dataclass(frozen=True)
class Chunk:
    """A part of a prompt that one iteration computes: ``count`` tokens after the ``past`` ones cached before."""

    sequence: Sequence
    past: int
    count: int


@dataclass(frozen=True)
class Plan:
    """One iteration."""

    decodes: tuple[Sequence, ...]
    chunks: tuple[Chunk, ...]

    @property
    def tokens(self) -> int:
        """Tokens that it computes."""
        return len(self.decodes) + sum(chunk.count for chunk in self.chunks)


def prompt_words(number: int, count: int, vocabulary: int) -> list[int]:
    """Return ``count`` words of the model, a request's own, that its prompt consists of."""
    return [(number * 7919 + place * 104729) % vocabulary for place in range(count)]


def note_words(plan: Plan, words: list[int]) -> None:
    """Write down what the model said: a word after each decoding request, and after each prompt that is whole now."""
    for sequence, word in zip(plan.decodes, words, strict=False):
        sequence.tokens.append(word)
    for chunk, word in zip(plan.chunks, words[len(plan.decodes) :], strict=True):
        if chunk.past + chunk.count == chunk.sequence.pending:
            chunk.sequence.tokens.append(word)


@dataclass
class Events:
    """What happened to requests since the last report, by their numbers."""

    admitted: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    """Their first token came out."""
    done: list[int] = field(default_factory=list)
    preempted: list[int] = field(default_factory=list)


class Engine:
    """The batch of one replica. ``schedule`` plans an iteration, ``complete`` accounts for it once it was computed."""

    def __init__(self, index: int, size: ReplicaSize, speed: float):
        self.index = index
        self.size = size
        self.speed = speed
        self.running: list[Sequence] = []
        """In order of admission."""
        self.waiting: deque[Sequence] = deque()
        self.events = Events()
        self.preemptions = 0
        self.iteration_s = 0.0
        """Seconds of the last iteration that only decoded, as measured by the server."""
        self._free = list(range(size.blocks))

    def accept(self, sequence: Sequence) -> None:
        """Queue a request that was placed here."""
        self.waiting.append(sequence)

    def schedule(self) -> Plan | None:
        """Plan the next iteration and give it its blocks; None where there is nothing to do."""
        preempted = self._preempt_for_blocks()
        decodes = tuple(each for each in self.running if not each.pending)
        for sequence in decodes:
            if self._at_edge(sequence):
                sequence.blocks.append(self._free.pop())
        budget = self.size.chunk_tokens - len(decodes)
        chunks: list[Chunk] = []
        for sequence in self.running:
            if sequence.pending:
                budget -= self._take(sequence, budget, chunks)
        while not preempted and self.waiting and budget and len(self.running) < self.size.max_batch:
            if not self._admit(self.waiting[0]):
                break
            budget -= self._take(self.running[-1], budget, chunks)
        return Plan(decodes, tuple(chunks)) if decodes or chunks else None

    def complete(self, plan: Plan) -> None:
        """Account for a computed plan: cached tokens, tokens that came out, requests that are done."""
        for chunk in plan.chunks:
            sequence = chunk.sequence
            sequence.cached += chunk.count
            if sequence.cached == sequence.pending:
                sequence.pending = 0
                self._came_out(sequence)
        for sequence in plan.decodes:
            sequence.cached += 1
            self._came_out(sequence)

    def take_events(self) -> Events:
        """Return what happened since the last call."""
        events, self.events = self.events, Events()
        return events

    def row(self) -> list[float]:
        """Return the replica's observation in the order of ``REPLICA_FIELDS``."""
        blocks, used = self.size.blocks, self.size.blocks - len(self._free)
        here = [*self.running, *self.waiting]
        queued = [each.prompt + each.generated for each in self.waiting]
        row = [
            *(self.index, self.speed, blocks, used, blocks - used),
            sum(map(self.size.blocks_of, queued)),
            *(len(self.running), len(self.waiting)),
            sum(queued) + sum(each.pending - each.cached for each in self.running if each.pending),
            sum(max(each.predicted - each.generated, 0) for each in here),
            sum(each.cached for each in self.running),
            self.iteration_s if any(not each.pending for each in self.running) else 0.0,
            sum(self.size.blocks_of(each.prompt + max(each.predicted, each.generated)) for each in here),
            self.preemptions,
        ]
        assert len(row) == len(REPLICA_FIELDS)
        return [float(value) for value in row]

    def _at_edge(self, sequence: Sequence) -> bool:
        """Return whether a decoding request's next token needs a block of its own."""
        return sequence.cached == len(sequence.blocks) * self.size.block_size

    def _preempt_for_blocks(self) -> bool:
        preempted = False
        while sum(not each.pending and self._at_edge(each) for each in self.running) > len(self._free):
            victim = self.running.pop()
            self._free += victim.blocks
            victim.blocks, victim.cached, victim.pending = [], 0, 0
            self.waiting.appendleft(victim)
            self.events.preempted.append(victim.number)
            self.preemptions += 1
            preempted = True
        return preempted

    def _admit(self, sequence: Sequence) -> bool:
        """Move the head of the line into the batch; False where its whole prompt does not find blocks."""
        total = sequence.prompt + sequence.generated
        need = self.size.blocks_of(total)
        if need > len(self._free):
            return False
        self.waiting.popleft()
        self.running.append(sequence)
        sequence.pending = total
        sequence.blocks = [self._free.pop() for _ in range(need)]
        self.events.admitted.append(sequence.number)
        return True

    @staticmethod
    def _take(sequence: Sequence, budget: int, chunks: list[Chunk]) -> int:
        count = min(sequence.pending - sequence.cached, budget)
        chunks.append(Chunk(sequence, sequence.cached, count))
        return count

    def _came_out(self, sequence: Sequence) -> None:
        sequence.generated += 1
        if sequence.generated == 1:
            self.events.first.append(sequence.number)
        if sequence.generated == sequence.output:
            self.running.remove(sequence)
            self._free += sequence.blocks
            sequence.blocks = []
            self.events.done.append(sequence.number)
