"""Routers measured really: the testbed's cluster, its request streams, and the simulator calibrated to it.

The cluster is the scenario's on a small scale: a tenth of the lengths, models of a few layers, KV memory that is as
scarce. A stream's rate is a share of what the calibrated cluster sustains, so that it is as hard on any machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from speciate.evaluators import Measurement, Policy, Workload
from speciate.evaluators.testbed import DecoderSize, ReplicaSize, ServingTestbed
from speciate.simulators.serving import ReplicaSpec, Router, Trace, capacity, simulate

from ..traces import Lengths, StreamModel, generate
from ._options import Scenario
from ._router import Hooks, LeastOutstanding

COMPARED = ("mean_latency_s", "mean_ttft_s", "mean_tpot_s")
KEPT = (*COMPARED, "p99_latency_s", "mean_wait_s", "central_wait_share", "largest_replica_share", "preemptions")
"""Metrics of the simulator that are kept beside those of the real run."""
DRAIN_FACTOR = 4.0
"""A stream takes longer than its arrivals by what is then left to serve: up to this multiple of them."""
LEAST_WALL_S, SIMULATED_WALL_S = 10.0, 20.0
LOAD = 1.0
"""Arrival rate as a share of the calibrated cluster's capacity."""
FIRST_SEED, CALIBRATION_SEED = 9001, 9900
PREDICTION_SIGMA = 0.7
"""As on held-out."""
PROMPT = Lengths(median=52.0, sigma=1.0, longest=320)
OUTPUT = Lengths(median=44.0, sigma=0.9, longest=240)
CALIBRATION_LOAD, CALIBRATION_SECONDS = 0.6, 8.0
CAPACITY_REQUESTS = 600


def _replica(layers: int, blocks: int) -> ReplicaSize:
    decoder = DecoderSize(layers=layers, hidden=128, heads=4, ffn=352, vocabulary=2048)
    return ReplicaSize(decoder=decoder, blocks=blocks, max_batch=32, chunk_tokens=128)


CLUSTERS: dict[Scenario, tuple[ReplicaSize, ...]] = {
    "mixed": (_replica(6, 64), _replica(2, 128)),
    "equal": (_replica(4, 80), _replica(4, 80)),
}
"""Two replicas, since the machines that tests run on have two cores; a request of the greatest length fits on each."""


class RouterTest:
    """How routers are measured really. Implements ``RealTest``."""

    metrics = COMPARED

    def __init__(self, scenario: Scenario, seconds: float):
        self._scenario: Scenario = scenario
        self._seconds = seconds

    @property
    def wall_s(self) -> float:
        """Wall seconds of a candidate on one stream, the calibrated simulator's run included."""
        return _wall_s(self._seconds) + SIMULATED_WALL_S

    def workloads(self, repetition: int) -> tuple[Workload, ...]:
        """Return the stream of one repetition: its own arrivals, lengths and predictions."""
        seed = FIRST_SEED + repetition
        name = f"real/{LOAD:g}capacity/seed{seed}"
        return (Workload(name=name, split="heldout", seed=seed, params={"load": LOAD, "seconds": self._seconds}),)

    @contextmanager
    def open(self) -> Iterator["RouterBed"]:
        """Start the cluster and calibrate the simulator to it."""
        with ServingTestbed(CLUSTERS[self._scenario]) as bed:
            rate = CALIBRATION_LOAD * _capacity(bed.specs)
            seconds = min(CALIBRATION_SECONDS, self._seconds)
            bed.fit(_stream(rate, seconds, CALIBRATION_SEED), LeastOutstanding(), wall_s=_wall_s(seconds))
            yield RouterBed(bed)


class RouterBed:
    """A running testbed for routers. Implements ``RealBed``."""

    def __init__(self, bed: ServingTestbed):
        self._bed = bed
        self._capacity = _capacity(bed.specs)

    @property
    def facts(self) -> Mapping[str, float | str]:
        """Of the testbed and its calibration, and what the calibrated cluster sustains."""
        return {**self._bed.facts, "capacity_rps": self._capacity}

    def measure(self, subject: Policy, workload: Workload) -> Measurement:
        """Serve the workload's stream with ``subject`` routing."""
        wall_s = _wall_s(float(workload.params["seconds"]))
        metrics = self._bed.serve(self._trace(workload), self._router(subject), wall_s=wall_s).metrics()
        return _measurement(workload, metrics)

    def simulate(self, subject: Policy, workload: Workload) -> Measurement:
        """Simulate the same stream on the calibrated cluster."""
        metrics = simulate(self._bed.specs, self._trace(workload), self._router(subject)).metrics()
        return _measurement(workload, {name: metrics[name] for name in KEPT})

    def _trace(self, workload: Workload) -> Trace:
        rate = float(workload.params["load"]) * self._capacity
        return _stream(rate, float(workload.params["seconds"]), workload.seed)

    def _router(self, subject: Policy) -> Router:
        subject.begin(len(self._bed.specs))
        return Hooks(subject.hook("key"), subject.hook("place"))


def _measurement(workload: Workload, metrics: dict[str, float]) -> Measurement:
    return Measurement(workload=workload.name, objective=metrics[COMPARED[0]], metrics=metrics)


def _wall_s(seconds: float) -> float:
    return DRAIN_FACTOR * seconds + LEAST_WALL_S


def _capacity(specs: Sequence[ReplicaSpec]) -> float:
    return capacity(specs, _stream(1.0, CAPACITY_REQUESTS, CALIBRATION_SEED))


def _stream(rate: float, seconds: float, seed: int) -> Trace:
    """Return a stream of as many requests as arrive in ``seconds`` on average."""
    return generate(
        StreamModel(
            rate=rate,
            requests=max(2, round(rate * seconds)),
            prompt=PROMPT,
            output=OUTPUT,
            prediction_sigma=PREDICTION_SIGMA,
        ),
        seed,
    )
