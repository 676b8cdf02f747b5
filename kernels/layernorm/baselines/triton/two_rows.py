"""Two rows a program, both held whole; weight and bias are read once for both."""

import triton
import triton.language as tl


@triton.jit
def _rows(x, weight, bias, out, rows, columns, stride, epsilon, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)[:, None]
    at = tl.arange(0, BLOCK)[None, :]
    inside = (row < rows) & (at < columns)
    values = tl.load(x + row * stride + at, mask=inside, other=0.0)
    factor = tl.load(weight + at, mask=at < columns, other=0.0)
    shift = tl.load(bias + at, mask=at < columns, other=0.0)
    values = tl.where(inside, values - (tl.sum(values, axis=1) / columns)[:, None], 0.0)
    values = tl.where(inside, values - (tl.sum(values, axis=1) / columns)[:, None], 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(values * values, axis=1) / columns + epsilon)
    tl.store(out + row * columns + at, values * scale[:, None] * factor + shift, mask=inside)


def layernorm(x, weight, bias, out, rows, columns, stride, epsilon):
    grid, block = (triton.cdiv(rows, 2),), triton.next_power_of_2(columns)
    _rows[grid](x, weight, bias, out, rows, columns, stride, epsilon, ROWS=2, BLOCK=block, num_warps=8)
