"""The bar of a foreign task: its reference, run as a candidate is, since it is nobody's trusted code."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from .._errors import CandidateFault, SandboxError
from ..kernel._arena import Slot
from ..kernel._bars import BarError
from ..kernel._remote import GoneError
from ..kernel._session import Kernel, Lap

REFERENCE = "reference"
T = TypeVar("T")


class ReferenceBar:
    """The reference in a sandbox of its own. A ``Form``; close it.

    Args:
        name: for messages.
        kernel: its session.
    """

    def __init__(self, name: str, kernel: Kernel):
        self.name = name
        self.arena = kernel.arena
        self._kernel = kernel
        if kernel.arena.reached:
            kernel.arena.reach(kernel.pid, self._gone)

    def prepare(self, slots: Sequence[Slot]) -> None:
        """Tell it which calls come next. Raises BarError."""
        self._kernel.watchdog.begin()
        self._said(lambda: self._kernel.prepare(slots))

    def run(self) -> Lap:
        """Have the prepared calls made. Raises BarError where the reference fails."""
        return self._said(self._kernel.run)

    def _said(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (CandidateFault, SandboxError) as fault:
            raise BarError(f"bar {self.name}: {fault}") from fault

    def _gone(self, error: GoneError) -> BarError:
        """Return whose fault it is that its memory is no more: not that of the candidate beside it."""
        return BarError(f"bar {self.name}: {error}")

    def close(self) -> None:
        """End its process and free its memory. Safe to repeat."""
        self._kernel.close()
