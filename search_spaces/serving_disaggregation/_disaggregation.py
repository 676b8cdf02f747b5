"""The problem: its objective, guard, descriptors and bound around the split cluster."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from speciate.evaluators import (
    CandidateFault,
    Descriptor,
    Limits,
    Measurement,
    Objective,
    Policy,
    PolicyProbe,
    ProbeCall,
    Problem,
    Split,
    Status,
    Workload,
)
from speciate.simulators.serving import (
    SPLIT_REPLICA_FIELDS,
    SPLIT_REQUEST_FIELDS,
    EventLimitError,
    Role,
    Site,
    Trace,
    simulate_split,
)

from .._options import parsed
from ._bound import late_at_least
from ._feedback import feedback
from ._interface import INTERFACE
from ._workloads import (
    NODES,
    TTFT_SLO_S,
    DisaggregationOptions,
    Forecast,
    fabric,
    harmonic,
    specs,
    trace_of,
    workloads,
)

LATENCY_GUARD = 1.5
"""Mean latency may be up to this multiple of the yardstick's before the objective is raised."""
EVENTS_PER_REQUEST = 1000
"""A run is ended beyond this; honest designs take 10 to 40."""
PROBE_ROLES = (Role.PREFILL, Role.MIXED, Role.PREFILL, Role.MIXED, Role.DECODE, Role.DECODE)
PROBE_STRIDE = 3
"""Of the routing questions of the probe's runs every third is asked."""

_HEAD = len(SPLIT_REQUEST_FIELDS)
_WORK = tuple(
    SPLIT_REPLICA_FIELDS.index(name) for name in ("prompt_token_s", "decode_token_s", "prefill_tokens", "running")
)


def problem(options: Mapping[str, str]) -> "ServingDisaggregation":
    """Return the problem with ``options`` (see ``DisaggregationOptions``)."""
    return ServingDisaggregation(parsed(DisaggregationOptions, options, ServingDisaggregation.name))


class Yardstick(NamedTuple):
    """What is known of a workload without any candidate."""

    latency_s: float
    """Mean latency of the seed: all mixed, least work."""
    bound: float
    """Share of requests that no design serves within both objectives."""


class Hooks:
    """A policy's routing hooks in the shape the simulator calls: the objectives follow the time."""

    def __init__(self, policy: Policy, slo_s: tuple[float, float]):
        self._prefill, self._decode = policy.hook("prefill"), policy.hook("decode")
        self._slo_s = slo_s

    def prefill(self, observation: Sequence[float]) -> float:
        """Return who computes a prompt."""
        return self._prefill([*observation[:_HEAD], *self._slo_s, *observation[_HEAD:]])

    def decode(self, observation: Sequence[float]) -> float:
        """Return who decodes."""
        return self._decode([*observation[:_HEAD], *self._slo_s, *observation[_HEAD:]])


class LeastWork:
    """The seed's routing, in this process: the yardstick."""

    def prefill(self, observation: Sequence[float]) -> int:
        """Return the replica with the least work ahead, a batch counted as work."""
        prompt_s, decode_s, tokens, running = (observation[_HEAD + at :: len(SPLIT_REPLICA_FIELDS)] for at in _WORK)
        work = [
            (ahead + observation[0]) * one + 0.1 * batch * each
            for ahead, one, batch, each in zip(tokens, prompt_s, running, decode_s, strict=True)
        ]
        return work.index(min(work))

    def decode(self, observation: Sequence[float]) -> int:
        """Return replica 0: with all replicas mixed this is never asked."""
        return 0


class ServingDisaggregation(Problem[Policy]):
    """Split a cluster between prompts and decoding, and route; minimise the share of requests that are too late."""

    name = "serving-disaggregation"
    title = "Which replicas compute prompts, which decode, and who goes where"
    family = "serving"
    objective = Objective(name="guarded share of late requests", unit="share")
    descriptors = (
        Descriptor(
            name="moved",
            low=0.0,
            high=1.0,
            bins=10,
            unit="share",
            about="requests whose KV cache was sent to another replica",
        ),
        Descriptor(
            name="fast_prompts",
            low=0.0,
            high=1.0,
            bins=10,
            unit="share",
            about="prompt tokens computed on the fastest replicas",
        ),
    )
    interface = INTERFACE
    limits = Limits(wall_s=30.0, cpu_s=10.0, decision_wall_s=5.0)

    def __init__(self, options: DisaggregationOptions):
        self.options = options
        self._yardsticks: dict[str, Yardstick] = {}

    def workloads(self, split: Split) -> Sequence[Workload]:
        """Return the split's workloads: every load with every seed."""
        return workloads(self.options, split)

    def measure(self, policy: Policy, workload: Workload) -> Measurement:
        """Ask for the roles, then simulate the workload with ``policy`` routing."""
        trace, forecast = trace_of(self.options, workload)
        slo_s = (TTFT_SLO_S, float(workload.params["tpot_slo_s"]))
        policy.begin(len(NODES))
        roles = chosen_roles(policy.hook("role"), forecast, slo_s)
        try:
            result = simulate_split(
                sites(roles),
                fabric(self.options),
                trace,
                Hooks(policy, slo_s),
                event_limit=EVENTS_PER_REQUEST * len(trace),
            )
        except EventLimitError as error:
            raise CandidateFault(Status.INCORRECT, f"the run did not end: {error}") from error
        result.check()
        yardstick = self._yardstick(workload, trace)
        late = 1.0 - float(result.attained(*slo_s).mean())
        guard = max(1.0, float(result.latency_s.mean()) / (LATENCY_GUARD * yardstick.latency_s))
        fast = np.isin(result.prefill_at, np.flatnonzero(np.array(NODES) == 0))
        prompt = trace.prompt_tokens
        return Measurement(
            workload=workload.name,
            objective=late * guard,
            metrics={
                "late": late,
                "latency_guard": guard,
                "mean_ttft_s": float(result.ttft_s.mean()),
                "p99_ttft_s": float(np.percentile(result.ttft_s, 99)),
                "mean_tpot_s": float(result.tpot_s.mean()),
                "mean_latency_s": float(result.latency_s.mean()),
                "preemptions": float(result.preemptions.sum()),
            },
            descriptors={
                "moved": float(result.moved.mean()),
                "fast_prompts": float(prompt[fast].sum() / prompt.sum()),
            },
            feedback=feedback(workload, result, roles, slo_s, guard),
        )

    def bound(self, workload: Workload) -> float:
        """Return the share of requests that are late whatever is decided: see ``late_at_least``."""
        return self._yardstick(workload, trace_of(self.options, workload)[0]).bound

    def probe(self) -> PolicyProbe:
        """Return what designs are asked on train where two replicas compute prompts, two decode and two are mixed."""
        return _probe()

    def _yardstick(self, workload: Workload, trace: Trace) -> Yardstick:
        """Return what is known of ``workload`` without a candidate; simulated once a process."""
        if workload.name not in self._yardsticks:
            mixed = simulate_split(sites((Role.MIXED,) * len(NODES)), fabric(self.options), trace, LeastWork())
            slo_s = (TTFT_SLO_S, float(workload.params["tpot_slo_s"]))
            self._yardsticks[workload.name] = Yardstick(
                float(mixed.latency_s.mean()), late_at_least(trace, specs(), slo_s)
            )
        return self._yardsticks[workload.name]


class _Recorder(LeastWork):
    """Writes down what is asked of a design, and answers in turn, so that all rows get work."""

    def __init__(self, slo_s: tuple[float, float]):
        self.calls: list[ProbeCall] = []
        self._slo_s = slo_s

    def prefill(self, observation: Sequence[float]) -> int:
        return self._noted("prefill", observation)

    def decode(self, observation: Sequence[float]) -> int:
        return self._noted("decode", observation)

    def role(self, observation: Sequence[float]) -> float:
        self.calls.append(ProbeCall("role", tuple(map(float, observation))))
        return PROBE_ROLES[int(observation[0])]

    def _noted(self, hook: str, observation: Sequence[float]) -> int:
        self.calls.append(ProbeCall(hook, (*observation[:_HEAD], *self._slo_s, *observation[_HEAD:])))
        return len(self.calls) * 5 % len(NODES)


@lru_cache(maxsize=1)
def _probe() -> PolicyProbe:
    options = DisaggregationOptions(requests=100)
    calls: list[ProbeCall] = []
    for workload in workloads(options, "train"):
        trace, forecast = trace_of(options, workload)
        slo_s = (TTFT_SLO_S, float(workload.params["tpot_slo_s"]))
        recorder = _Recorder(slo_s)
        roles = chosen_roles(recorder.role, forecast, slo_s)
        simulate_split(sites(roles), fabric(options), trace, recorder)
        calls += recorder.calls[: len(NODES)] + recorder.calls[len(NODES) :: PROBE_STRIDE]
    return PolicyProbe(rows=len(NODES), calls=tuple(calls))


def chosen_roles(
    ask: Callable[[Sequence[float]], float], forecast: Forecast, slo_s: tuple[float, float]
) -> tuple[Role, ...]:
    """Return the role of each replica. If nobody is left for one kind of work, the last one is mixed."""
    engines = specs()
    costs = [(spec.cost.token_s[spec.chunk_tokens] / spec.chunk_tokens, spec.cost.decode_s(1, 0.0)) for spec in engines]
    order = sorted(range(len(engines)), key=lambda index: (costs[index][0], index))
    plan = [float(len(engines)), *forecast, harmonic(tuple(cost[0] for cost in costs)), *slo_s]
    roles = [
        Role(int(ask([index, order.index(index), NODES[index], *costs[index], float(engines[index].blocks), *plan])))
        for index in range(len(engines))
    ]
    if len(set(roles)) == 1 and Role.MIXED not in roles:
        roles[-1] = Role.MIXED
    return tuple(roles)


def sites(roles: Sequence[Role]) -> list[Site]:
    """Return the cluster with these roles."""
    return [Site(spec, node, role) for spec, node, role in zip(specs(), NODES, roles, strict=True)]
