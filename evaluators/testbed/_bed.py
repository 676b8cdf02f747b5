"""A running testbed: its replicas, and the simulated replicas that are calibrated to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from speciate.simulators.serving import (
    CalibrationError,
    EngineProfile,
    MeasuredIterations,
    ReplicaSpec,
    Router,
    Trace,
    fit_host,
    measured_iterations,
    simulate,
)

from .._errors import CandidateFault, SpeciateError
from ._driver import serve
from ._fleet import Fleet, best_device
from ._served import Served
from ._sizes import ReplicaSize

_SPEED_BATCH, _SPEED_CONTEXT = 8, 100.0
"""Speeds are told by an iteration of this many decoding requests, or as many as may be, with this many tokens each."""
_PROFILES = {"tokens": "tokens", "head": "sequences", "decode": "decode_context", "prefill": "prefill_pairs"}


class Testbed:
    """Replicas that really compute, one process each, and their models in the simulator.

    Use it as a context: entering starts the replicas and profiles them all at once, each as busy as the others.

    Args:
        sizes: the replicas.

    Raises SpeciateError where torch is missing or the profile determines no model, SandboxError where a replica ends.
    """

    steered = False
    """Whether iterations are composed by the driver."""

    def __init__(self, sizes: Sequence[ReplicaSize]):
        self.sizes = tuple(sizes)
        self.specs: tuple[ReplicaSpec, ...] = ()
        """The simulated replicas; their ``speed`` is what a router is told of the real ones too."""
        self.facts: dict[str, float | str] = {}
        self._fleet: Fleet | None = None

    def __enter__(self) -> Self:
        device = best_device()
        self._fleet = fleet = Fleet(self.sizes, device, steered=self.steered)
        try:
            profiles = fleet.ask({"profile": True}, "profile")
            measured = [_fitted(size, told) for size, told in zip(self.sizes, profiles, strict=True)]
        except BaseException:
            fleet.close()
            raise
        self.specs = _specs(self.sizes, measured)
        self.facts = {"device": device, "replicas": float(len(self.sizes))}
        for index, (spec, each) in enumerate(zip(self.specs, measured, strict=True)):
            self.facts[f"replica {index} speed"] = spec.speed
            self.facts[f"replica {index} decode_s"] = _decode_s(each, self.sizes)
            self.facts |= {f"replica {index} {name} error": error for name, error in each.errors.items()}
        self._profiled(profiles)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fleet is not None:
            self._fleet.close()

    @property
    def fleet(self) -> Fleet:
        """The running replicas."""
        assert self._fleet is not None, "enter the testbed first"
        return self._fleet

    def _profiled(self, profiles: Sequence[Mapping[str, Any]]) -> None:
        """Take from the replicas' profiles what their iterations do not hold."""

    def _fit_host(
        self, serve_stream: Callable[[], Mapping[str, float]], mean_tpot_s: Callable[[Sequence[ReplicaSpec]], float]
    ) -> None:
        """Find the seconds outside the model that each iteration takes, as for a vLLM log.

        Args:
            serve_stream: serves a stream with a design of our own, and returns its metrics.
            mean_tpot_s: of the same stream, simulated on given replicas.

        Raises SpeciateError where the stream was not served in time, or the model cannot be fitted to it.
        """
        try:
            target_s = serve_stream()["mean_tpot_s"]
        except CandidateFault as fault:
            raise SpeciateError(f"the calibration failed: {fault.detail}; is the machine too busy?") from fault

        def with_host(host_s: float) -> float:
            return mean_tpot_s(_with_host(self.specs, host_s))

        try:
            host_s = fit_host(with_host, target_s)
        except CalibrationError as error:
            raise _unfit(error) from error
        self.specs = _with_host(self.specs, host_s)
        self.facts |= {"host_s": host_s, "calibration tpot error": with_host(0.0) / target_s - 1.0}


class ServingTestbed(Testbed):
    """A cluster behind a router."""

    def fit(self, trace: Trace, router: Router, *, wall_s: float) -> None:
        """Calibrate the simulated cluster to a served stream.

        Args:
            trace: a stream that no design is measured on.
            router: one of our own.
            wall_s: as in ``serve``.
        """

        def mean_tpot_s(specs: Sequence[ReplicaSpec]) -> float:
            return simulate(specs, trace, router).metrics()["mean_tpot_s"]

        self._fit_host(lambda: self.serve(trace, router, wall_s=wall_s).metrics(), mean_tpot_s)

    def serve(self, trace: Trace, router: Router, *, wall_s: float) -> Served:
        """Serve ``trace`` really; see ``_driver.serve``."""
        return serve(self.fleet, [spec.speed for spec in self.specs], trace, router, wall_s=wall_s)


def _fitted(size: ReplicaSize, told: Mapping[str, Any]) -> MeasuredIterations:
    groups: dict[str, Any] = {}
    for name, work in _PROFILES.items():
        groups[work], groups[f"{name}_s"] = np.array(told[name], dtype=np.float64).T
    try:
        return measured_iterations(
            EngineProfile(**groups), max_tokens=size.chunk_tokens, max_sequences=size.max_batch
        )
    except CalibrationError as error:
        raise _unfit(error) from error


def _specs(sizes: Sequence[ReplicaSize], measured: Sequence[MeasuredIterations]) -> tuple[ReplicaSpec, ...]:
    """Return the simulated replicas, their speeds relative to the first one."""
    decode_s = [_decode_s(each, sizes) for each in measured]
    return tuple(
        ReplicaSpec(
            cost=each.model,
            blocks=size.blocks,
            block_size=size.block_size,
            max_batch=size.max_batch,
            chunk_tokens=size.chunk_tokens,
            speed=round(decode_s[0] / seconds, 2),
        )
        for size, each, seconds in zip(sizes, measured, decode_s, strict=True)
    )


def _decode_s(measured: MeasuredIterations, sizes: Sequence[ReplicaSize]) -> float:
    """Return the time of the iteration by which speeds are told: one that every replica can compute."""
    batch = min(_SPEED_BATCH, *(size.max_batch for size in sizes))
    return measured.model.decode_s(batch, _SPEED_CONTEXT * batch)


def _with_host(specs: Sequence[ReplicaSpec], host_s: float) -> tuple[ReplicaSpec, ...]:
    return tuple(replace(spec, cost=spec.cost.with_host(host_s)) for spec in specs)


def _unfit(error: CalibrationError) -> SpeciateError:
    return SpeciateError(f"the testbed's profile gives no model: {error}; a busy machine does that: try again later")
