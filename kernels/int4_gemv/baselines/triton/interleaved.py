"""Both halves of the bytes are put in the order of the weights, so that the vector is read in whole lines."""

import triton
import triton.language as tl


@triton.jit
def _rows(packed, scale, x, y, rows, groups, ROWS: tl.constexpr, BYTES: tl.constexpr):
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    inside = row < rows
    j, k = tl.arange(0, BYTES)[None, :], tl.arange(0, 2 * BYTES)[None, :]
    total = tl.zeros((ROWS,), tl.float32)
    for group in range(groups):
        byte = tl.load(packed + (row[:, None] * groups + group) * BYTES + j, mask=inside[:, None], other=0).to(tl.int32)
        factor = tl.load(scale + row * groups + group, mask=inside, other=0.0)
        value = tl.load(x + group * 2 * BYTES + k)
        weight = (tl.interleave(byte & 15, byte >> 4) - 8).to(tl.float32)
        total += factor * tl.sum(weight * value, axis=1)
    tl.store(y + row, total, mask=inside)


def int4_gemv(packed, scale, x, y, rows, groups):
    _rows[(triton.cdiv(rows, 8),)](packed, scale, x, y, rows, groups, ROWS=8, BYTES=64, num_warps=4)
