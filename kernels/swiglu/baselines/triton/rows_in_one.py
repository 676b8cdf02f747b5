"""All outputs are numbered through, so that no program is left with the short end of a row."""

import triton
import triton.language as tl


@triton.jit
def _part(x, out, count, columns, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    place = at + at // columns * columns
    gate = tl.load(x + place, mask=inside, other=0.0)
    value = tl.load(x + place + columns, mask=inside, other=0.0)
    tl.store(out + at, gate / (1.0 + tl.exp(-gate)) * value, mask=inside)


def swiglu(x, out, rows, columns):
    count = rows * columns
    _part[(triton.cdiv(count, 2048),)](x, out, count, columns, BLOCK=2048, num_warps=4)
