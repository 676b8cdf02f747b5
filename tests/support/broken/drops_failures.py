"""Broken on purpose: where the candidate fails, an answer is made up for it."""

from collections.abc import Callable, Mapping, Sequence

from speciate.evaluators import CandidateFault, Measurement, Policy, Workload
from support.lanes import Lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(2)


class Patient:
    """A policy whose failures become the answer 0."""

    def __init__(self, inner: Policy):
        self._inner = inner

    def begin(self, rows: int) -> None:
        try:
            self._inner.begin(rows)
        except CandidateFault:
            return

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        def call(seen: Sequence[float]) -> float:
            try:
                return self._inner.hook(name)(seen)
            except (CandidateFault, KeyError):
                return 0.0

        return call


class Broken(Lanes):
    """Lanes with a default answer."""

    name = "drops-failures"

    def probe(self) -> None:
        return None

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        return super().measure(Patient(policy), workload)
