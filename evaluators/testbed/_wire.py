"""Messages between the driver and a replica: JSON, a line each, over a TCP connection on the loopback."""

import json
import socket
from typing import Any

from .._errors import SandboxError

Message = dict[str, Any]
_READ_BYTES = 1 << 16


class Wire:
    """One end of a connection. Both ends are our own processes: what comes is trusted to be whole messages."""

    def __init__(self, connection: socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._rest = b""

    def fileno(self) -> int:
        """Return the descriptor, so that a selector can wait for messages."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Send a message. Raises SandboxError where the other end is gone."""
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise SandboxError(f"the testbed's connection broke: {error}") from error

    def receive(self) -> list[Message]:
        """Return the messages that have come, at least one: waits for it. Raises SandboxError at the end."""
        messages: list[Message] = []
        while not messages:
            try:
                data = self._socket.recv(_READ_BYTES)
            except OSError as error:
                raise SandboxError(f"the testbed's connection broke: {error}") from error
            if not data:
                raise SandboxError("the testbed's connection ended")
            *lines, self._rest = (self._rest + data).split(b"\n")
            messages = [json.loads(line) for line in lines]
        return messages

    def close(self) -> None:
        """End the connection."""
        self._socket.close()
