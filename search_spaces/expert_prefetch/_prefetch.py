"""The problem ``expert-prefetch``, as the judge sees it."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from speciate.evaluators import Descriptor, Limits, Measurement, Objective, Policy, Problem, Split, Workload
from speciate.simulators.moe import EXPERT_FIELDS, Service, least_fetches, least_service_time, serve

from .._options import parsed
from ._interface import INTERFACE
from ._workloads import PrefetchOptions, gates_of, model_of, start_of, workloads

IDLE, NOW = EXPERT_FIELDS.index("idle"), len(EXPERT_FIELDS)


def problem(options: Mapping[str, str]) -> "ExpertPrefetch":
    """Return the problem with ``options`` (see ``PrefetchOptions``)."""
    return ExpertPrefetch(parsed(PrefetchOptions, options, ExpertPrefetch.name))


class Hooks(NamedTuple):
    """A policy's hooks in the shape the simulator calls."""

    keep: Callable[[Sequence[float]], float]
    prefetch: Callable[[Sequence[float]], float]


class Yardstick(NamedTuple):
    """What is known of a workload without any candidate; times in layers of one token."""

    recent_s: float
    """Where the least recently used goes, and nothing is fetched before it is wanted."""
    bound_s: float
    fetches: int
    """That there must be."""


class ExpertPrefetch(Problem[Policy]):
    """Keep and fetch experts so that layers seldom wait; minimise the time of all steps."""

    name = "expert-prefetch"
    title = "Which experts a small device keeps, and which it fetches before they are wanted"
    family = "moe"
    objective = Objective(name="time", unit="x least recently used, fetched when wanted")
    descriptors = (
        Descriptor(
            name="beforehand",
            low=0.0,
            high=1.0,
            bins=10,
            unit="share",
            about="of the experts fetched, those whose transfer began before anybody waited for them",
        ),
        Descriptor(
            name="victim_idle",
            low=0.0,
            high=24.0,
            bins=12,
            unit="steps",
            about="since what goes was last wanted, on average: low keeps the frequent, high the recent",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: PrefetchOptions):
        self.options = options

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every mix with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Serve the workload's steps with ``policy`` keeping and fetching."""
        gates, offload = gates_of(self.options, workload), model_of(self.options, workload).offload
        policy.begin(0)
        hooks = Hooks(policy.hook("keep"), policy.hook("prefetch"))
        service = serve(gates, offload, hooks, start=start_of(workload))
        fetched = max(service.fetched, 1)
        hits = 1.0 - float(service.missed.sum() / service.wanted.sum())
        yardstick = _yardstick(self.options, workload.model_dump_json())
        return Measurement(
            workload=workload.name,
            objective=service.time_s / yardstick.recent_s,
            metrics={
                "slowdown": service.time_s / service.compute_s,
                "hits": hits,
                "fetched": float(service.fetched),
                "useless": service.useless / fetched,
                "stalled": float(service.stalled_s.sum() / service.time_s),
            },
            descriptors={
                "beforehand": service.prefetched / fetched,
                "victim_idle": float(service.victim_idle.mean()) if len(service.victim_idle) else 0.0,
            },
            feedback=feedback(workload, service, yardstick),
        )

    def bound(self, workload: Workload) -> float:
        """Return the bound of computing without a wait, or of Belady's fetches one after the other."""
        yardstick = _yardstick(self.options, workload.model_dump_json())
        return yardstick.bound_s / yardstick.recent_s


@lru_cache(maxsize=256)
def _yardstick(options: PrefetchOptions, told: str) -> Yardstick:
    workload = Workload.model_validate_json(told)
    gates, offload = gates_of(options, workload), model_of(options, workload).offload
    recent = serve(gates, offload, Hooks(lambda seen: seen[NOW] - seen[IDLE], lambda seen: 0.0))
    return Yardstick(recent.time_s, least_service_time(gates, offload), least_fetches(gates, offload.slots))


def feedback(workload: Workload, service: Service, yardstick: Yardstick) -> str:
    """Return a few lines on one run: what was waited for, what was fetched in vain, and how good guesses were."""
    by_layer = service.stalled_s.sum(axis=0) / max(service.stalled_s.sum(), 1e-12)
    halves = [part.sum() / service.compute_s for part in np.array_split(service.stalled_s, 2)]
    worst = int(by_layer.argmax())
    return "\n".join(
        [
            f"{workload.name}: {service.time_s / service.compute_s:.3f} times computing alone; recency on demand "
            f"{yardstick.recent_s / service.compute_s:.3f}, no policy is below "
            f"{yardstick.bound_s / service.compute_s:.3f}",
            f"{service.missed.sum()} of {service.wanted.sum()} experts wanted were missing; {service.fetched} were "
            f"fetched, {yardstick.fetches} have to be; {service.prefetched} beforehand, {service.useless} of these for "
            "nothing",
            f"waits took {halves[0]:.3f} times computing in the first half, {halves[1]:.3f} in the second; "
            f"{by_layer[worst]:.0%} of them were for layer {worst}",
            f"{service.guessed:.0%} of the first guesses one layer ahead came true",
        ]
    )
