"""One program a row with up to sixteen warps; weight and bias are asked for before anything is waited for."""

import triton
import triton.language as tl


@triton.jit
def _row(x, weight, bias, out, columns, stride, epsilon, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < columns
    values = tl.load(x + row * stride + at, mask=inside, other=0.0)
    factor = tl.load(weight + at, mask=inside, other=0.0)
    shift = tl.load(bias + at, mask=inside, other=0.0)
    values = tl.where(inside, values - tl.sum(values, axis=0) / columns, 0.0)
    values = tl.where(inside, values - tl.sum(values, axis=0) / columns, 0.0)
    scale = 1.0 / tl.sqrt(tl.sum(values * values, axis=0) / columns + epsilon)
    tl.store(out + row * columns + at, values * scale * factor + shift, mask=inside)


def layernorm(x, weight, bias, out, rows, columns, stride, epsilon):
    block = triton.next_power_of_2(columns)
    warps = max(1, min(16, block // 128))
    _row[(rows,)](x, weight, bias, out, columns, stride, epsilon, BLOCK=block, num_warps=warps)
