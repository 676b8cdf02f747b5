"""The processes of the replicas: started, connected over the loopback, told what to do, and ended."""

import json
import os
import secrets
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

from .._errors import SandboxError, SpeciateError
from ._sizes import Device, ReplicaSize
from ._wire import Message, Wire

_START_S = 300.0
"""Seconds that a replica may take to import torch and to build its model."""
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Fleet:
    """The replicas of a testbed, one process each. Use it as a context: leaving it ends them.

    A replica ends with its connection, so none outlives a driver that was killed.

    Args:
        sizes: the replicas.
        device: where they compute.
        steered: whether the driver composes their iterations, and not they themselves.

    Raises SpeciateError where torch is not installed, and SandboxError where a replica does not start.
    """

    def __init__(self, sizes: Sequence[ReplicaSize], device: Device, *, steered: bool = False):
        require_torch()
        self.sizes = tuple(sizes)
        self._told = {"device": device, "steered": steered}
        self.wires: list[Wire] = []
        self._processes: list[subprocess.Popen[str]] = []
        self._errors: list[Any] = []
        try:
            tokens = [self._start(index, size) for index, size in enumerate(self.sizes)]
            for index, token in enumerate(tokens):
                self._connect(index, token)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, message: Message, answer: str) -> list[Any]:
        """Send ``message`` to all replicas at once, and return what each says under ``answer``; other words are old."""
        for wire in self.wires:
            wire.send(message)
        return [self._awaited(index, answer) for index in range(len(self.wires))]

    def begin(self, speeds: Sequence[float]) -> None:
        """Empty all replicas, for the next measuring."""
        for wire, speed in zip(self.wires, speeds, strict=True):
            wire.send({"begin": speed})
        for index in range(len(self.wires)):
            self._awaited(index, "begun")

    def read(self, index: int) -> list[Message]:
        """Return what a replica has said, at least one message: waits for it.

        Raises SandboxError with the replica's last words where it has ended.
        """
        try:
            return self.wires[index].receive()
        except SandboxError as error:
            raise self._failed(index) from error

    def close(self) -> None:
        """End all replicas. Safe to repeat."""
        for wire in self.wires:
            wire.close()
        for process in self._processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        for file in self._errors:
            file.close()
        self.wires, self._processes, self._errors = [], [], []

    def _start(self, index: int, size: ReplicaSize) -> str:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has failed, closed with the fleet
        self._errors.append(errors)
        process = subprocess.Popen(
            [sys.executable, "-m", "speciate.evaluators.testbed._replica"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **_THREADS},
            text=True,
        )
        self._processes.append(process)
        token = secrets.token_hex(16)
        order = {"index": index, "size": size.model_dump(), "token": token, **self._told}
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        except OSError as error:
            raise self._failed(index) from error
        return token

    def _connect(self, index: int, token: str) -> None:
        stdout = self._processes[index].stdout
        assert stdout is not None
        began = select.select([stdout], [], [], _START_S)[0]
        port = stdout.readline().strip() if began else ""
        if not port:
            raise self._failed(index)
        wire = Wire(socket.create_connection(("127.0.0.1", int(port)), timeout=_START_S))
        self.wires.append(wire)
        wire.send({"token": token})
        self._awaited(index, "ready")

    def _awaited(self, index: int, answer: str) -> Any:
        while True:
            for message in self.read(index):
                if answer in message:
                    return message[answer]

    def _failed(self, index: int) -> SandboxError:
        process, errors = self._processes[index], self._errors[index]
        process.kill()
        process.wait()
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
        return SandboxError(f"replica {index} of the testbed ended: {lines[-1] if lines else 'it said nothing'}")


def require_torch() -> None:
    """Raise SpeciateError where torch is not installed."""
    if find_spec("torch") is None:
        raise SpeciateError("real runs need torch, which is not installed: pip install 'speciate[real]'")


def best_device() -> Device:
    """Return where replicas compute: ``cuda`` where there is one. Raises SpeciateError where torch cannot be had."""
    require_torch()
    try:
        import torch
    except (ImportError, OSError) as error:
        raise SpeciateError(f"real runs need torch, which is installed but cannot be loaded: {error}") from error

    return "cuda" if torch.cuda.is_available() else "cpu"
