"""A testbed of the lanes whose truth is known: what a simulator of it is wrong about is put there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from speciate.evaluators import Measurement, Policy, Problem, Workload

GAP = 0.05
"""By which everything is slower than simulated in the first repetition; 0.01 more in each that follows."""
DELAY_S = 0.001
"""Between a job's arrival and the question where it goes, of which the simulator knows nothing."""


class LanesTest:
    """Implements ``RealTest`` and ``RealBed``."""

    metrics = ("mean_s", "last_s")
    wall_s = 20.0

    def __init__(self, problem: Problem[Policy]):
        self._problem = problem

    @property
    def facts(self) -> Mapping[str, float | str]:
        return {"device": "none", "lanes": 3.0}

    def workloads(self, repetition: int) -> tuple[Workload, ...]:
        seed = 9000 + repetition
        params = {"load": 0.8, "repetition": repetition}
        return (Workload(name=f"real/seed{seed}", split="heldout", seed=seed, params=params),)

    @contextmanager
    def open(self) -> Iterator["LanesTest"]:
        yield self

    def measure(self, subject: Policy, workload: Workload) -> Measurement:
        found = self.simulate(_Late(subject), workload)
        factor = 1.0 + GAP + 0.01 * int(workload.params["repetition"])
        metrics = {name: factor * value for name, value in found.metrics.items()}
        return found.model_copy(update={"objective": factor * found.objective, "metrics": metrics})

    def simulate(self, subject: Policy, workload: Workload) -> Measurement:
        return self._problem.measure(subject, workload)


class _Late:
    """Asks a policy a moment after the arrival. Implements ``Policy``."""

    def __init__(self, inner: Policy):
        self._inner = inner

    def begin(self, rows: int) -> None:
        self._inner.begin(rows)

    def hook(self, name: str) -> Callable[[Sequence[float]], float]:
        inner = self._inner.hook(name)
        return lambda values: inner([*values[:2], values[2] + DELAY_S, *values[3:]])
