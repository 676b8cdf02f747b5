"""Three launches over parts of 256: many small programs, and many sums to add up in the middle.

Control.
"""

import torch
import triton
import triton.language as tl

PART = 256


@triton.jit
def _sums(x, sums, count, PART: tl.constexpr):
    part = tl.program_id(0)
    at = part * PART + tl.arange(0, PART)
    values = tl.load(x + at, mask=at < count, other=0.0).to(tl.float64)
    tl.store(sums + part, tl.sum(values, axis=0))


@triton.jit
def _before(sums, before, parts, STEP: tl.constexpr):
    total = tl.zeros((), tl.float64)
    for start in range(0, parts, STEP):
        at = start + tl.arange(0, STEP)
        values = tl.load(sums + at, mask=at < parts, other=0.0)
        tl.store(before + at, total + tl.cumsum(values, axis=0) - values, mask=at < parts)
        total += tl.sum(values, axis=0)


@triton.jit
def _running(x, before, out, count, PART: tl.constexpr):
    part = tl.program_id(0)
    at = part * PART + tl.arange(0, PART)
    values = tl.load(x + at, mask=at < count, other=0.0).to(tl.float64)
    total = tl.load(before + part) + tl.cumsum(values, axis=0)
    tl.store(out + at, total.to(tl.float32), mask=at < count)


def prefix_sum(x, out, count):
    parts = triton.cdiv(count, PART)
    sums = torch.empty(parts, dtype=torch.float64, device=x.device)
    before = torch.empty_like(sums)
    _sums[(parts,)](x, sums, count, PART=PART, num_warps=4)
    _before[(1,)](sums, before, parts, STEP=512, num_warps=4)
    _running[(parts,)](x, before, out, count, PART=PART, num_warps=4)
