"""Broken on purpose: one seed and a dozen jobs; another seed would rank the same designs otherwise."""

from collections.abc import Mapping, Sequence

from speciate.evaluators import Baseline, Candidate, Measurement, Policy, Split, Workload
from support import lanes


def problem(options: Mapping[str, str]) -> "Broken":
    return Broken(1)


class Broken(lanes.Lanes):
    """Lanes judged by what happens to a dozen jobs."""

    name = "too-few-seeds"

    def baselines(self) -> Sequence[Baseline]:
        control = super().baselines()[0]
        return (
            control,
            *(
                Baseline(
                    name=f"power-{power}",
                    title=f"Earliest finish, speed to the power {power}",
                    candidate=Candidate.from_source(lanes.EARLIEST.replace("POWER = 0.6", f"POWER = {power}")),
                )
                for power in (0.2, 0.6, 1.0, 1.4, 1.8)
            ),
        )

    def workloads(self, split: Split) -> Sequence[Workload]:
        return super().workloads(split)[:1]

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        usual, lanes.JOBS = lanes.JOBS, 12
        try:
            return super().measure(policy, workload)
        finally:
            lanes.JOBS = usual
