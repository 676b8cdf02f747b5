"""Rung 6: what a problem must give so that its candidates can be measured really, beside the simulator."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from ._contract import Measurement, Workload

S_contra = TypeVar("S_contra", contravariant=True)
"""What is measured: the candidate, as its kind lets it be asked, in the sandbox that it is always judged in."""


class RealBed(Protocol[S_contra]):
    """A testbed that is running, and a simulator calibrated to it."""

    @property
    def facts(self) -> Mapping[str, float | str]:
        """What the testbed is and how well the simulator fits its profile, for the report."""

    def measure(self, subject: S_contra, workload: Workload) -> Measurement:
        """Measure the candidate really. Takes real time; a CandidateFault of the subject passes through."""

    def simulate(self, subject: S_contra, workload: Workload) -> Measurement:
        """Measure it on the same workload in the calibrated simulator. The metrics have the same names."""


class RealTest(Protocol[S_contra]):
    """How a problem is measured really."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that the simulator is held to; by the first, lower is better, designs are ranked."""

    @property
    def wall_s(self) -> float:
        """Wall seconds that a candidate's process may live on one workload."""

    def workloads(self, repetition: int) -> Sequence[Workload]:
        """Return what every design is measured on in one repetition; each repetition has workloads of its own."""

    def open(self) -> AbstractContextManager[RealBed[S_contra]]:
        """Start the testbed and calibrate. Raises SpeciateError where this machine cannot."""
