"""Run under Triton's interpreter, in a process of its own: small kernels, and what the watch says of each, as JSON."""

import json
import os
import sys
from contextlib import suppress

os.environ.update({"TRITON_INTERPRET": "1", "TRITON_BACKENDS_IN_TREE": "1"})

import numpy as np
import torch
import triton
import triton.language as tl
from speciate.evaluators._triton_worker import Watch, guarded, install
from speciate.evaluators._worker import Fault
from triton.runtime.errors import InterpreterError

WATCH = Watch(np)
install(WATCH)
ORDER = []


@triton.jit
def increments(y):
    tl.store(y, tl.load(y) + 1)


@triton.jit
def writes_the_same(y):
    tl.store(y, 1.0)


@triton.jit
def reads_what_another_writes(y):
    at = tl.program_id(0)
    tl.store(y + at, tl.load(y + (at + 1) % 4) + 1)


@triton.jit
def counts(y):
    tl.atomic_add(y, 1.0)


@triton.jit
def counts_and_looks(y):
    tl.atomic_add(y, 1.0)
    tl.store(y + 1 + tl.program_id(0), tl.load(y))


@triton.jit
def own_elements(y):
    at = tl.program_id(0)
    tl.store(y + at, tl.load(y + at) + at)
    tl.store(y + at, tl.load(y + at) * 2)


@triton.jit
def reads_too_far(y):
    at = tl.arange(0, 16)
    tl.store(y + at, tl.load(y + at), mask=at < 8)


@triton.jit
def writes_too_far(y):
    tl.store(y + tl.program_id(0) + 5, 1.0)


@triton.jit
def last_come(y):
    tl.store(y + tl.atomic_add(y, 1.0).to(tl.int32) + 1, tl.program_id(0).to(tl.float32))


@triton.jit
def product(y, left, right, how: tl.constexpr):
    at = tl.arange(0, 16)[:, None] * 16 + tl.arange(0, 16)[None, :]
    tl.store(y + at, tl.dot(tl.load(left + at), tl.load(right + at), input_precision=how))


@triton.jit
def through_bfloat16(y):
    at = tl.program_id(0)
    tl.store(y + at, tl.load(y + at).to(tl.bfloat16).to(tl.float32))


def told(launch) -> str:
    """Return what was found wrong, even where the host catches it; empty for nothing."""
    WATCH.fault = None
    with suppress(Fault, InterpreterError):
        launch()
    return WATCH.fault.detail if WATCH.fault else ""


def errors_of_products() -> dict[str, float]:
    left, right = (torch.from_numpy(np.random.default_rng(i).random((16, 16), dtype=np.float32)) for i in (0, 1))
    exact = left.double() @ right.double()
    found = {}
    for how in ("ieee", "tf32"):
        y = torch.zeros(16, 16)
        product[(1,)](y, left, right, how=how)
        found[how] = float((y - exact).abs().max())
    return found


def main() -> None:
    kernels = [
        increments,
        writes_the_same,
        reads_what_another_writes,
        counts,
        counts_and_looks,
        own_elements,
        reads_too_far,
        writes_too_far,
        through_bfloat16,
    ]
    found = {each.fn.__name__: told(lambda each=each: each[(4,)](torch.ones(8))) for each in kernels}
    orders = []
    for _ in range(2):
        y = torch.zeros(65)
        last_come[(64,)](y)
        orders.append(y[1:].tolist())
    try:
        guarded(WATCH, lambda: None)()
    except Fault as fault:
        idle = fault.detail
    json.dump({"told": found, "orders": orders, "products": errors_of_products(), "idle": idle}, sys.stdout)


if __name__ == "__main__":
    main()
