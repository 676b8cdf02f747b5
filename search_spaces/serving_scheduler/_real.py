"""Schedulers measured really: the testbed's engine, its request streams, and the simulator calibrated to it.

The engine is the problem's on a small scale: an eighth of the lengths, a model of a few layers, KV memory that is
scarce. Schedulers hold constants in seconds of the problem's engine; so all times, those that they are shown and those
that are measured, are by a clock on which the testbed is as fast as that engine.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from speciate.evaluators import Measurement, Policy, Workload
from speciate.evaluators.testbed import DecoderSize, ReplicaSize, Scheduled, SchedulingTestbed, Stream
from speciate.simulators.serving import ReplicaSpec, ScheduleResult, a10_replica, capacity

from ..traces import StreamModel
from ._scheduler import FirstCome, costs, hooks_of, simulated
from ._streams import mixed_stream, promises_of

COMPARED = ("mean_cost", "mean_ttft_s", "mean_tpot_s")
KEPT = (
    *COMPARED[1:],
    *("mean_latency_s", "p99_latency_s", "mean_wait_s", "mean_stall_s", "p99_gap_s"),
    *("preemptions", "displaced", "swaps", "recomputed_tokens", "forced"),
)
"""Metrics of the simulator that are kept beside those of the real run."""
SHORTER = 8.0
"""How many times shorter than the problem's requests those of the testbed are."""
ENGINE = ReplicaSize(
    decoder=DecoderSize(layers=4, hidden=128, heads=4, ffn=352, vocabulary=2048),
    blocks=172,
    max_batch=64,
    chunk_tokens=256,
    host_blocks=62,
)
"""A sixteenth of the blocks of the problem's engine, and of its host's: attention takes more of an iteration here, so
that twice as many would be worth little."""
DRAIN_FACTOR = 4.0
"""A stream takes longer than its arrivals by what is then left to serve: up to this multiple of them."""
LEAST_WALL_S, SIMULATED_WALL_S = 40.0, 20.0
LOAD = 1.3
"""Arrival rate as a share of what the calibrated engine sustains first come first served, its memory always full and
preempting. Who keeps some of it free sustains more."""
FIRST_SEED, CALIBRATION_SEED = 9001, 9900
PREDICTION_SIGMA = 0.7
"""As on held-out."""
DOCUMENTS = 0.25
CALIBRATION_LOAD, CALIBRATION_SECONDS = 0.6, 8.0
CAPACITY_REQUESTS = 400


class SchedulerTest:
    """How schedulers are measured really. Implements ``RealTest``."""

    metrics = COMPARED

    def __init__(self, seconds: float):
        self._seconds = seconds

    @property
    def wall_s(self) -> float:
        """Wall seconds of a candidate on one stream, the calibrated simulator's run included."""
        return _wall_s(self._seconds) + SIMULATED_WALL_S

    def workloads(self, repetition: int) -> tuple[Workload, ...]:
        """Return the stream of one repetition: its own arrivals, lengths, classes and predictions."""
        seed = FIRST_SEED + repetition
        name = f"real/load{LOAD:g}/seed{seed}"
        return (Workload(name=name, split="heldout", seed=seed, params={"load": LOAD, "seconds": self._seconds}),)

    @contextmanager
    def open(self) -> Iterator["SchedulerBed"]:
        """Start the engine and calibrate the simulator to it."""
        with SchedulingTestbed(ENGINE) as bed:
            seconds = min(CALIBRATION_SECONDS, self._seconds)
            rate = CALIBRATION_LOAD * _capacity(bed.server.replica)
            bed.fit(_stream(rate, seconds, CALIBRATION_SEED), FirstCome(), wall_s=_wall_s(seconds))
            bed.keep_pace_with(a10_replica())
            yield SchedulerBed(bed)


class SchedulerBed:
    """A running testbed for schedulers. Implements ``RealBed``. Seconds are by the schedulers' clock."""

    def __init__(self, bed: SchedulingTestbed):
        self._bed = bed
        self._capacity = _capacity(bed.server.replica)

    @property
    def facts(self) -> Mapping[str, float | str]:
        """Of the testbed and its calibration, and what the calibrated engine sustains."""
        return {**self._bed.facts, "capacity_rps": self._capacity}

    def measure(self, subject: Policy, workload: Workload) -> Measurement:
        """Serve the workload's stream with ``subject`` composing the iterations."""
        wall_s = _wall_s(float(workload.params["seconds"]))
        served = self._bed.serve(self._workload(workload), hooks_of(subject), wall_s=wall_s)
        return _measurement(workload, served, served.metrics())

    def simulate(self, subject: Policy, workload: Workload) -> Measurement:
        """Simulate the same stream on the calibrated engine."""
        stream = self._workload(workload)
        result = simulated(self._bed.server, stream.trace, stream.promises, hooks_of(subject))
        metrics = result.metrics()
        return _measurement(workload, result, {name: metrics[name] for name in KEPT})

    def _workload(self, workload: Workload) -> Stream:
        rate = float(workload.params["load"]) * self._capacity
        return _stream(rate, self._bed.pace * float(workload.params["seconds"]), workload.seed)


def _measurement(workload: Workload, run: Scheduled | ScheduleResult, metrics: Mapping[str, float]) -> Measurement:
    cost = float(costs(run).mean())
    return Measurement(workload=workload.name, objective=cost, metrics={**metrics, COMPARED[0]: cost})


def _wall_s(seconds: float) -> float:
    return DRAIN_FACTOR * seconds + LEAST_WALL_S


def _capacity(spec: ReplicaSpec) -> float:
    return capacity([spec], _stream(1.0, CAPACITY_REQUESTS, CALIBRATION_SEED).trace)


def _stream(rate: float, seconds: float, seed: int) -> Stream:
    """Return a stream of as many requests as arrive in ``seconds`` on average."""
    model = StreamModel(rate=rate, requests=max(2, round(rate * seconds)), prediction_sigma=PREDICTION_SIGMA)
    trace, documents = mixed_stream(model, DOCUMENTS, seed, shorter=SHORTER)
    return Stream(trace, promises_of(documents))
