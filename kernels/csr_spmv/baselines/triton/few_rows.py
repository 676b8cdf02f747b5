"""Eight rows a program in steps of 32 nonzeros: a long row keeps few others waiting."""

import triton
import triton.language as tl


@triton.jit
def _rows(start, column, value, x, y, rows, ROWS: tl.constexpr, STEP: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = row < rows
    first = tl.load(start + row, mask=inside, other=0)
    last = tl.load(start + row + 1, mask=inside, other=0)
    total = tl.zeros((ROWS, STEP), tl.float32)
    for done in range(0, tl.max(last - first, axis=0), STEP):
        at = first[:, None] + done + tl.arange(0, STEP)[None, :]
        here = at < last[:, None]
        place = tl.load(column + at, mask=here, other=0)
        factor = tl.load(value + at, mask=here, other=0.0)
        total += factor * tl.load(x + place, mask=here, other=0.0)
    tl.store(y + row, tl.sum(total, axis=1), mask=inside)


def csr_spmv(start, column, value, x, y, rows, columns, nonzeros, bounds):
    _rows[(triton.cdiv(rows, 8),)](start, column, value, x, y, rows, ROWS=8, STEP=32, num_warps=4)
