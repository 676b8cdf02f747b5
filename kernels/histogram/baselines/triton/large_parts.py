"""One program eight thousand values: a quarter of the additions to the counts of all."""

import triton
import triton.language as tl


@triton.jit
def _clear(counts, BINS: tl.constexpr):
    tl.store(counts + tl.arange(0, BINS), tl.zeros((BINS,), tl.int32))


@triton.jit
def _count(values, counts, count, BINS: tl.constexpr, PART: tl.constexpr):
    at = tl.program_id(0) * PART + tl.arange(0, PART)
    inside = at < count
    found = tl.histogram(tl.load(values + at, mask=inside, other=0), BINS, mask=inside)
    tl.atomic_add(counts + tl.arange(0, BINS), found)


def histogram(values, counts, count):
    _clear[(1,)](counts, BINS=256, num_warps=4)
    _count[(triton.cdiv(count, 8192),)](values, counts, count, BINS=256, PART=8192, num_warps=16)
