"""Twenty programs take the rows in turn: most of the device has nothing to do.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _rows(x, residual, weight, out, total, rows, columns, stride, epsilon, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    inside = at < columns
    factor = tl.load(weight + at, mask=inside, other=0.0)
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        summed = tl.load(x + row * stride + at, mask=inside, other=0.0)
        summed += tl.load(residual + row * stride + at, mask=inside, other=0.0)
        tl.store(total + row * columns + at, summed, mask=inside)
        scale = 1.0 / tl.sqrt(tl.sum(summed * summed, axis=0) / columns + epsilon)
        tl.store(out + row * columns + at, summed * scale * factor, mask=inside)


def residual_rmsnorm(x, residual, weight, out, total, rows, columns, stride, epsilon):
    block = triton.next_power_of_2(columns)
    _rows[(min(rows, 20),)](x, residual, weight, out, total, rows, columns, stride, epsilon, BLOCK=block, num_warps=4)
