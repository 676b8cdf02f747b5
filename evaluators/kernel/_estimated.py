"""An evaluation whose time is a model's: what it is ranked and described by, and that it says so everywhere."""

from typing import TYPE_CHECKING

import numpy as np
from speciate.simulators.gpu import Device

from .._contract import Measurement, Workload
from .._problem import Descriptor, Objective
from ._emulated import estimated as emulated
from ._interface import Sizes
from ._interpreted import estimated as interpreted
from ._modelled import MODELLED, Estimate

if TYPE_CHECKING:
    from ._problem import KernelProblem
    from ._session import Kernel

UNITS = ("launch", "dram", "l2", "tensor", "fp32", "special", "shared")
OBJECTIVES = (Objective(name="error", unit="of the error allowed"),)
"""Beside the modelled time."""
AXES = (
    Descriptor.of("bound", UNITS, "what most of the modelled time goes into"),
    Descriptor(name="occupancy", low=0.0, high=1.0, bins=4, about="share of an SM's warps that fit, modelled"),
    Descriptor(name="lines", low=0.0, high=120.0, bins=4, about="lines of code"),
)
"""Descriptors of modelled kernels."""


def objective_on(device: Device) -> Objective:
    """Return what modelled kernels are ranked by. Its name and unit keep it apart from times that were measured."""
    return Objective(name="modelled_time", unit=f"of the least time of its bytes on {device.name} ({MODELLED})")


def estimated(
    problem: "KernelProblem", subject: "Kernel", device: Device, workload: Workload, sizes: Sizes
) -> Measurement:
    """Return the measurement of a kernel that was found right, as the model has it for a call at ``sizes``.

    Raises CandidateFault for what is wrong there, for launches that the device would refuse and for impossible ones.
    """
    estimate = estimate_of(problem, subject, device, workload, sizes)
    return measurement_of(estimate, subject, workload, needs_of(problem, subject, sizes))


def estimate_of(
    problem: "KernelProblem", subject: "Kernel", device: Device, workload: Workload, sizes: Sizes
) -> Estimate:
    """Return what the model says of a call at ``sizes``, which is checked on the way. Raises as ``estimated`` does."""
    run = interpreted if subject.cuda is None else emulated
    return run(problem, subject, device, sizes, np.random.default_rng(workload.seed))


def needs_of(problem: "KernelProblem", subject: "Kernel", sizes: Sizes) -> tuple[str, ...]:
    """Return what the compiler told of each kernel of a call, in words."""
    if subject.cuda is not None:
        return tuple(each.words for each in subject.cuda.image.resources)
    call = tuple(sizes[name] for name in problem.interface.sizes)
    return tuple(each.words for (at, _), made in subject.launches.items() if at == call for each in made)


def measurement_of(estimate: Estimate, subject: "Kernel", workload: Workload, needs: tuple[str, ...]) -> Measurement:
    """Return the estimate of a kernel that was found right, as its measurement; labels the subject ``modelled``.

    Args:
        estimate: what the model says.
        subject: of whom.
        workload: where.
        needs: what the compiler told of each of its kernels, in words.
    """
    assert subject.error is not None
    if MODELLED not in subject.labels:
        subject.labels.append(MODELLED)
    return Measurement(
        workload=workload.name,
        objective=estimate.ratio,
        metrics={
            **estimate.metrics,
            "error": subject.error,
            "build_cached": float(subject.build_cached),
            "build_cpu_s": subject.build_cost.cpu_s,
        },
        descriptors=described(estimate, subject),
        feedback=estimate.words,
        trace=needs,
    )


def described(estimate: Estimate, subject: "Kernel") -> dict[str, float]:
    """Return where on ``AXES`` a kernel lies."""
    figures = {"occupancy": estimate.longest.occupancy.share, "lines": float(subject.lines)}
    return {axis.name: axis.number(estimate.bound) if axis.categories else figures[axis.name] for axis in AXES}
