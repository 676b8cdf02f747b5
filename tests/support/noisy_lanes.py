"""Lanes with a stopwatch for a judge: each repetition adds noise that its number, the workload and the design fix.

For ``speciate run PATH``. The noise of a repetition is partly shared by all designs (common random numbers).
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random

from speciate.evaluators import Measurement, Policy, Workload

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.lanes import Lanes

NOISE = 0.05


def problem(options: Mapping[str, str]) -> "NoisyLanes":
    """Return the problem; option ``seeds`` is the number of seeds a split."""
    return NoisyLanes(int(options.get("seeds", "3")))


class NoisyLanes(Lanes):
    """Mean time in the yard, as a stopwatch sees it."""

    name = "noisy-lanes"
    noisy = True

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        true = super().measure(policy, workload)
        shared = Random(f"{workload.name}/{workload.repetition}").gauss(0, 2 * NOISE)
        own = Random(f"{workload.name}/{workload.repetition}/{true.objective}").gauss(0, NOISE)
        return true.model_copy(update={"objective": true.objective * (1 + shared + own)})
