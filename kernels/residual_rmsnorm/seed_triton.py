"""One program a row, which holds all of it."""

import triton
import triton.language as tl


@triton.jit
def _row(x, residual, weight, out, total, columns, stride, epsilon, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < columns
    summed = tl.load(x + row * stride + at, mask=inside, other=0.0)
    summed += tl.load(residual + row * stride + at, mask=inside, other=0.0)
    tl.store(total + row * columns + at, summed, mask=inside)
    scale = 1.0 / tl.sqrt(tl.sum(summed * summed, axis=0) / columns + epsilon)
    factor = tl.load(weight + at, mask=inside, other=0.0)
    tl.store(out + row * columns + at, summed * scale * factor, mask=inside)


def residual_rmsnorm(x, residual, weight, out, total, rows, columns, stride, epsilon):
    block = triton.next_power_of_2(columns)
    warps = 4 if block <= 2048 else 8
    _row[(rows,)](x, residual, weight, out, total, columns, stride, epsilon, BLOCK=block, num_warps=warps)
