"""What no order of passes can pass: a lower bound on the period of an iteration."""

import numpy as np

from ._pipeline import Floats, Ints, Pipeline


def least_period(pipeline: Pipeline) -> float:
    """Return a lower bound (s) on the period of any order that respects the memory.

    A device does all of its work, and it idles while it fills: between its first forward pass and its first backward
    pass lie at least the passes of some micro-batch on all deeper stages, and in that time it can only run forward
    passes, no more than its memory holds. Where devices end together, the first output has to reach the device, and
    after its last backward pass the gradient has to go back to the first stage.
    """
    least = 0.0
    for device, work in enumerate(pipeline.work_s()):
        stages = np.flatnonzero(pipeline.device == device)
        first, last = int(stages[0]), int(stages[-1])
        idle = max(0.0, _turn(pipeline, first, last) - _fill(pipeline, stages, device))
        span = float(work) + idle
        if pipeline.synchronised:
            weights = float(pipeline.weight_s[stages].sum())
            head = float((pipeline.forward_s[:first].sum(axis=0) + _sent(pipeline, 0, first)).min())
            span = head + span - weights + max(weights, _tail(pipeline, first))
        least = max(least, span)
    return least


def _sent(pipeline: Pipeline, first: int, last: int) -> float:
    """Return the seconds of the transfers between stages ``first`` and ``last``, one way."""
    return float(np.count_nonzero(np.diff(pipeline.device[first : last + 1])) * pipeline.transfer_s)


def _turn(pipeline: Pipeline, first: int, last: int) -> float:
    """Return the least time from a forward pass on stage ``first`` to the backward pass that follows on ``last``."""
    end = len(pipeline.device) - 1
    passes = pipeline.forward_s[first:].sum(axis=0) + pipeline.backward_s[last + 1 :].sum(axis=0)
    return float(passes.min()) + _sent(pipeline, first, end) + _sent(pipeline, last, end)


def _fill(pipeline: Pipeline, stages: Ints, device: int) -> float:
    """Return the most seconds of forward passes that fit the device's memory, parts of passes allowed."""
    seconds = pipeline.forward_s[stages].ravel()
    memory = pipeline.activation[stages].ravel()
    order = np.argsort(-seconds / memory, kind="stable")
    before = np.cumsum(memory[order]) - memory[order]
    share = np.clip((pipeline.capacity[device] - before) / memory[order], 0.0, 1.0)
    return float(share @ seconds[order])


def _tail(pipeline: Pipeline, first: int) -> float:
    """Return the least time from the end of a backward pass on stage ``first`` to the end of all it waits for."""
    if first == 0:
        return float(pipeline.weight_s[0].min())
    chain: Floats = pipeline.backward_s[:first].sum(axis=0) + pipeline.weight_s[0]
    return float(chain.min()) + _sent(pipeline, 0, first)
