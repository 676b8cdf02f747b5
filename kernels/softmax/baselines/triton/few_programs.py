"""Twenty programs take the rows in turn: most of the device has nothing to do.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _rows(x, out, rows, columns, stride, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    inside = at < columns
    for row in range(tl.program_id(0), rows, tl.num_programs(0)):
        values = tl.load(x + row * stride + at, mask=inside, other=-float("inf"))
        powers = tl.exp(values - tl.max(values, axis=0))
        tl.store(out + row * columns + at, powers / tl.sum(powers, axis=0), mask=inside)


def softmax(x, out, rows, columns, stride):
    _rows[(min(rows, 20),)](x, out, rows, columns, stride, BLOCK=triton.next_power_of_2(columns), num_warps=4)
