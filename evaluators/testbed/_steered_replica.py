"""A replica whose iterations are composed by the driver: it computes what it is sent, and says when that was done."""

import time

from ._decoder import Decoder
from ._engine import Chunk, Plan, Sequence, note_words, prompt_words
from ._profile import profile
from ._wire import Message, Wire


class SteeredServer:
    """Answers a driver's messages, one after the other."""

    def __init__(self, wire: Wire, decoder: Decoder):
        self._wire = wire
        self._decoder = decoder
        self._steered = Steered(decoder)
        self._busy_s = self._cpu_s = 0.0
        """Wall and CPU seconds of iterations since the measuring began."""

    def serve(self) -> None:
        """Serve. Raises SandboxError when the client is gone."""
        while True:
            for message in self._wire.receive():
                self._handle(message)

    def _handle(self, message: Message) -> None:
        if "compute" in message:
            self._wire.send({"computed": self._compute(message["compute"])})
        elif "place" in message:
            self._steered.place(message["place"])
        elif "begin" in message:
            self._steered = Steered(self._decoder)
            self._busy_s = self._cpu_s = 0.0
            self._wire.send({"begun": True})
        elif "profile" in message:
            self._wire.send({"profile": profile(self._decoder)})

    def _compute(self, order: Message) -> dict[str, float]:
        started, cpu_s = time.monotonic(), time.process_time()
        self._steered.compute(order)
        ended = time.monotonic()
        self._busy_s += ended - started
        self._cpu_s += time.process_time() - cpu_s
        return {"ended": ended, "busy_s": self._busy_s, "cpu_s": self._cpu_s}


class Steered:
    """The requests of one measuring, as the replica knows them: their words."""

    def __init__(self, decoder: Decoder):
        self._decoder = decoder
        self._sequences: dict[int, Sequence] = {}

    def place(self, told: list[int]) -> None:
        """Take a request: its number, and the tokens of its prompt and output."""
        number, prompt, output = told
        words = prompt_words(number, prompt, self._decoder.size.decoder.vocabulary)
        self._sequences[number] = Sequence(number, prompt, output, output, tokens=words)

    def compute(self, order: Message) -> None:
        """Compute one iteration, as ``SteeredPlan.order`` tells it."""
        for out, blocks, host in order["copies"]:
            self._decoder.copy(blocks, host, out=out)
        decodes = tuple(self._sequence(*told) for told in order["decodes"])
        chunks = tuple(self._chunk(*told) for told in order["chunks"])
        plan = Plan(decodes, chunks)
        note_words(plan, self._decoder.step(plan))

    def words(self) -> dict[int, list[int]]:
        """Return the prompts and what was generated, by number."""
        return {number: sequence.tokens for number, sequence in self._sequences.items()}

    def _sequence(self, number: int, cached: int, blocks: list[int]) -> Sequence:
        sequence = self._sequences[number]
        sequence.cached, sequence.blocks, sequence.pending = cached, blocks, 0
        return sequence

    def _chunk(self, number: int, past: int, count: int, blocks: list[int]) -> Chunk:
        sequence = self._sequence(number, past, blocks)
        # What was generated before a preemption is computed with the prompt.
        sequence.pending = len(sequence.tokens)
        return Chunk(sequence, past, count)
