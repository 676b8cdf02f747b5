"""Tiles of 128 rows and 64 columns, as for matrices of thousands: most of the device has none.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _tile(a, b, out, rows, columns, depth, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr):
    i = (tl.program_id(0) * ROWS + tl.arange(0, ROWS))[:, None]
    j = (tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    p = tl.arange(0, DEPTH)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(0, depth, DEPTH):
        left, right = start + p[None, :], start + p[:, None]
        x = tl.load(a + i * depth + left, mask=(i < rows) & (left < depth), other=0.0)
        y = tl.load(b + right * columns + j, mask=(right < depth) & (j < columns), other=0.0)
        total = tl.dot(x, y, total, input_precision="ieee")
    tl.store(out + i * columns + j, total, mask=(i < rows) & (j < columns))


def matmul(a, b, out, rows, columns, depth):
    grid = (triton.cdiv(rows, 128), triton.cdiv(columns, 64))
    _tile[grid](a, b, out, rows, columns, depth, ROWS=128, COLUMNS=64, DEPTH=16, num_warps=8, num_stages=2)
