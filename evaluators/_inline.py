"""A policy without a boundary, for code we wrote ourselves: tuning of baselines, benches, tests."""

import struct
from collections.abc import Callable, Sequence

from ._contract import Status
from ._errors import CandidateFault
from ._interface import Hook, PolicyInterface
from ._layout import STATUSES, answer_range, misuse, shapes
from ._worker import Fault, Program, Step, is_number, observation, refusal


class InlinePolicy:
    """Runs ``source`` in this process with the semantics of the boundary, and none of its protection.

    TRUSTED CODE ONLY: it can reach everything the judge can, and nothing limits it. The worker's own code
    decodes, so answers are the same numbers as through a sandbox. ``begin`` seeds Python's global ``random``
    for a source that names it.

    Raises CandidateFault (``invalid``) for a source that does not compile.
    """

    def __init__(self, source: str, interface: PolicyInterface):
        self._interface = interface
        self._calls: dict[str, Callable[[Sequence[float]], float]] = {}
        try:
            self._program = Program(source, shapes(interface), interface.constants)
        except Fault as fault:
            raise _outcome(fault) from None

    def begin(self, rows: int) -> None:
        """Run the module afresh for a workload of ``rows`` table rows. Raises CandidateFault."""
        try:
            steps = self._program.begin(rows)
        except (Exception, SystemExit) as error:
            raise _outcome(self._program.failure(error)) from error
        self._calls = {
            hook.name: self._call(index, hook, rows, steps[index])
            for index, hook in enumerate(self._interface.hooks)
        }

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        """Return the call for one hook; see ``Policy.hook``. Raises KeyError before ``begin``."""
        return self._calls[name]

    def _call(self, index: int, hook: Hook, rows: int, step: Step) -> Callable[[Sequence[float]], float]:
        pack = observation(shapes(self._interface)[index], rows).pack
        allowed = answer_range(hook, rows)
        low, high, integer = allowed
        failure = self._program.failure

        def call(values: Sequence[float]) -> float:
            try:
                message = pack(index, *values)
            except struct.error as error:
                raise misuse(hook, rows, values) from error
            try:
                result = step(message)
            except (Exception, SystemExit) as error:
                raise _outcome(failure(error)) from error
            if not is_number(result):
                raise CandidateFault(Status.PROTOCOL, refusal(hook.name, result))
            value = float(result)
            if low <= value <= high and (not integer or value.is_integer()):
                return value
            raise CandidateFault(Status.PROTOCOL, allowed.refusal(hook.name, value))

        return call


def _outcome(fault: Fault) -> CandidateFault:
    return CandidateFault(STATUSES[fault.status], fault.detail)
