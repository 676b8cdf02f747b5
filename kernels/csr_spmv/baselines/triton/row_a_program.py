"""One program a row: most have nothing to do but to begin and end.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _row(start, column, value, x, y, STEP: tl.constexpr):
    row = tl.program_id(0)
    last = tl.load(start + row + 1)
    total = tl.zeros((STEP,), tl.float32)
    for done in range(tl.load(start + row), last, STEP):
        at = done + tl.arange(0, STEP)
        place = tl.load(column + at, mask=at < last, other=0)
        factor = tl.load(value + at, mask=at < last, other=0.0)
        total += factor * tl.load(x + place, mask=at < last, other=0.0)
    tl.store(y + row, tl.sum(total, axis=0))


def csr_spmv(start, column, value, x, y, rows, columns, nonzeros, bounds):
    _row[(rows,)](start, column, value, x, y, STEP=32, num_warps=4)
