"""Tiles of 16 rows and 64 columns: many programs where the matrices are small, rows of b in whole lines."""

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
    grid = (triton.cdiv(rows, 16), triton.cdiv(columns, 64))
    _tile[grid](a, b, out, rows, columns, depth, ROWS=16, COLUMNS=64, DEPTH=32, num_warps=4, num_stages=3)
