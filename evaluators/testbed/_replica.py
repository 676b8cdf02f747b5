"""The process of one replica: ``python -m speciate.evaluators.testbed._replica``, started by ``Fleet``.

It reads its order (a line of JSON) from stdin, tells on stdout the port of the loopback that it listens on, and serves
the one client that knows the order's token, until that one is gone. Times are of the machine's monotonic clock, which
all processes share.
"""

import hmac
import json
import select
import socket
import sys
import time
from typing import Any

from .._errors import SandboxError
from ._decoder import Decoder
from ._engine import Engine, Sequence, note_words, prompt_words
from ._profile import profile
from ._sizes import ReplicaSize
from ._steered_replica import SteeredServer
from ._wire import Message, Wire

CONNECT_S = 300.0
"""Seconds to wait for the driver, which first waits for the replicas before this one."""
_SMOOTHING = 0.2
"""Weight of the newest decode-only iteration in the time that is told of the next one."""


def main() -> None:
    """Serve until the client is gone."""
    order = json.loads(sys.stdin.readline())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(CONNECT_S)
        decoder = Decoder(ReplicaSize.model_validate(order["size"]), order["device"], order["index"])
        print(listener.getsockname()[1], flush=True)
        connection, _ = listener.accept()
    wire = Wire(connection)
    try:
        (hello,) = wire.receive()
        if hmac.compare_digest(str(hello.get("token")), order["token"]):
            wire.send({"ready": True})
            server = SteeredServer(wire, decoder) if order["steered"] else Server(wire, decoder, order["index"])
            server.serve()
    except SandboxError:
        pass  # The client is gone, and with it the reason to be here.


class Server:
    """Computes iteration after iteration, and reports before each: what happened, and how the replica stands."""

    def __init__(self, wire: Wire, decoder: Decoder, index: int):
        self._wire = wire
        self._decoder = decoder
        self._index = index
        self._engine = Engine(index, decoder.size, 1.0)
        self._seen = 0
        self._ended = 0.0
        self._busy_s = self._cpu_s = 0.0
        """Wall and CPU seconds of iterations since the measuring began."""

    def serve(self) -> None:
        """Serve. Raises SandboxError when the client is gone."""
        idle = True
        while True:
            if idle or select.select([self._wire], [], [], 0.0)[0]:
                for message in self._wire.receive():
                    self._handle(message)
            idle = not self._iterate()

    def _handle(self, message: Message) -> None:
        if "place" in message:
            self._engine.accept(_sequence(message["place"], self._decoder.size.decoder.vocabulary))
            self._seen += 1
        elif "begin" in message:
            self._engine = Engine(self._index, self._decoder.size, message["begin"])
            self._seen = 0
            self._busy_s = self._cpu_s = 0.0
            self._wire.send({"begun": True})
        elif "profile" in message:
            self._wire.send({"profile": profile(self._decoder)})

    def _iterate(self) -> bool:
        """Plan, report and compute one iteration. Returns False where there was nothing to compute."""
        engine = self._engine
        plan = engine.schedule()
        started = time.monotonic()
        report: dict[str, Any] = {"ended": self._ended, "started": started, "seen": self._seen}
        report |= {"busy_s": self._busy_s, "cpu_s": self._cpu_s}
        self._wire.send({**report, "row": engine.row(), **vars(engine.take_events())})
        if plan is None:
            return False
        cpu_s = time.process_time()
        note_words(plan, self._decoder.step(plan))
        engine.complete(plan)
        self._ended = time.monotonic()
        self._busy_s += self._ended - started
        self._cpu_s += time.process_time() - cpu_s
        if not plan.chunks:
            taken, known = self._ended - started, engine.iteration_s
            engine.iteration_s = taken if not known else known + _SMOOTHING * (taken - known)
        return True


def _sequence(told: list[int], vocabulary: int) -> Sequence:
    """Return a placed request with a prompt of its own."""
    number, prompt, output, predicted = told
    return Sequence(number, prompt, output, predicted, tokens=prompt_words(number, prompt, vocabulary))


if __name__ == "__main__":
    main()
