"""Which machine should hold which shard? A *plan*: one call, named numpy arrays in, named numpy arrays out.

The design runs in a sandbox and is called once for each instance; what it returns is copied and checked against
``interface`` (names, shapes, whole or real, ranges) before ``measure`` sees it. Replace the world by yours.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from speciate import (
    Array,
    Descriptor,
    Measurement,
    Objective,
    Plan,
    PlanInterface,
    Problem,
    ProblemError,
    Split,
    Workload,
)


def problem(options: Mapping[str, str]) -> "Sharding":
    """Return the problem. Options come from ``--option KEY=VALUE``; this one has none."""
    if options:
        raise ProblemError(f"unknown option {sorted(options)[0]!r}; this problem has none")
    return Sharding()


class Sharding(Problem[Plan]):
    """Keep the load of the fullest machine low, of CPU and of memory."""

    name = "NEW-PROBLEM"
    title = "Which machine holds which shard"
    version = "1"
    objective = Objective(name="peak load", unit="x mean load")
    # Two measured behaviours: the search keeps the best design of every kind, not only the best of all.
    descriptors = (
        Descriptor(name="count_spread", low=0.0, high=1.0, bins=8, about="unevenness of the number of shards"),
        Descriptor(name="cpu_bound", low=0.0, high=1.0, bins=6, about="share of machines fuller of CPU than of memory"),
    )
    # A dimension is a number or a name; a name is bound by the inputs, and may limit an output.
    interface = PlanInterface(
        inputs=(
            Array(name="cpu", shape=("shards",), unit="cores", about="what each shard needs"),
            Array(name="memory", shape=("shards",), unit="GiB", about="what each shard needs"),
            Array(name="machines", kind="integer", about="how many there are, all alike"),
        ),
        outputs=(Array(name="place", shape=("shards",), kind="integer", low=0, high="machines-1"),),
        about="The machine of each shard.",
    )

    def workloads(self, split: Split) -> Sequence[Workload]:
        """The search sees `train`; `validation` chooses the champion; `heldout` is opened for the report only."""
        first, seeds = {"train": (1, 6), "validation": (101, 6), "heldout": (1001, 12)}[split]
        sizes = (40, 90, 150) if split == "heldout" else (40, 90)  # a size that the search never met
        return tuple(
            Workload(name=f"{split}/shards{shards}/seed{seed}", split=split, seed=seed, params={"shards": shards})
            for shards in sizes
            for seed in range(first, first + seeds)
        )

    def measure(self, plan: Plan, workload: Workload) -> Measurement:
        """Ask for one placement and measure it. Everything here is trusted; only ``plan`` asks the design."""
        cpu, memory, machines = instance(workload)
        place = plan(cpu=cpu, memory=memory, machines=machines)["place"]
        loads = np.stack([np.bincount(place, weights=need, minlength=machines) for need in (cpu, memory)])
        relative = loads / loads.mean(axis=1, keepdims=True)
        counts = np.bincount(place, minlength=machines)
        peak = float(relative.max())
        return Measurement(
            workload=workload.name,
            objective=peak,
            metrics={"peak_cpu": float(relative[0].max()), "peak_memory": float(relative[1].max())},
            descriptors={
                "count_spread": float(min(1.0, counts.std() / counts.mean())),
                "cpu_bound": float((relative[0] > relative[1]).mean()),
            },
            feedback=f"The fullest machine has {peak:.3f} of the mean load, of {('CPU', 'memory')[fuller(relative)]}.",
        )

    def bound(self, workload: Workload) -> float:
        """No placement does better than the mean, or than a machine with the largest shard alone."""
        cpu, memory, machines = instance(workload)
        return max(1.0, *(float(need.max() / (need.sum() / machines)) for need in (cpu, memory)))


def instance(workload: Workload) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the needs of the shards and the number of machines: needs are skewed, and CPU and memory differ."""
    rng = np.random.default_rng(workload.seed)
    shards = int(workload.params["shards"])
    size = rng.lognormal(0.0, 0.5, shards)
    leaning = rng.lognormal(0.0, 0.5, shards)
    return size * leaning, 4.0 * size / leaning, 8


def fuller(relative: np.ndarray) -> int:
    """Return the resource whose peak is the higher."""
    return int(np.unravel_index(relative.argmax(), relative.shape)[0])
