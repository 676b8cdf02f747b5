"""Sixty-four rows a program: most of the device has nothing to do.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _rows(packed, scale, x, y, rows, groups, ROWS: tl.constexpr, BYTES: tl.constexpr):
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    j = tl.arange(0, BYTES)
    inside = row < rows
    total = tl.zeros((ROWS,), tl.float32)
    for group in range(groups):
        at = (row[:, None] * groups + group) * BYTES + j[None, :]
        byte = tl.load(packed + at, mask=inside[:, None], other=0).to(tl.int32)
        even = tl.load(x + group * 2 * BYTES + 2 * j)[None, :]
        odd = tl.load(x + group * 2 * BYTES + 2 * j + 1)[None, :]
        lower, upper = ((byte & 15) - 8).to(tl.float32), ((byte >> 4) - 8).to(tl.float32)
        products = lower * even + upper * odd
        total += tl.load(scale + row * groups + group, mask=inside, other=0.0) * tl.sum(products, axis=1)
    tl.store(y + row, total, mask=inside)


def int4_gemv(packed, scale, x, y, rows, groups):
    _rows[(triton.cdiv(rows, 64),)](packed, scale, x, y, rows, groups, ROWS=64, BYTES=64, num_warps=4)
