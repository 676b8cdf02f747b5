"""Four rows and eight groups at a time: long stretches of every row, all asked for at once."""

import triton
import triton.language as tl


@triton.jit
def _rows(packed, scale, x, y, rows, groups, ROWS: tl.constexpr, GROUPS: tl.constexpr, BYTES: tl.constexpr):
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)
    inside = row < rows
    j = tl.arange(0, BYTES)[None, None, :]
    total = tl.zeros((ROWS, GROUPS), tl.float32)
    for start in range(0, groups, GROUPS):
        group = start + tl.arange(0, GROUPS)
        there = inside[:, None] & (group < groups)[None, :]
        place = row[:, None] * groups + group[None, :]
        byte = tl.load(packed + place[:, :, None] * BYTES + j, mask=there[:, :, None], other=0).to(tl.int32)
        factor = tl.load(scale + place, mask=there, other=0.0)
        pair = group[None, :, None] * 2 * BYTES + 2 * j
        even = tl.load(x + pair, mask=(group < groups)[None, :, None], other=0.0)
        odd = tl.load(x + pair + 1, mask=(group < groups)[None, :, None], other=0.0)
        lower, upper = ((byte & 15) - 8).to(tl.float32), ((byte >> 4) - 8).to(tl.float32)
        total += factor * tl.sum(lower * even + upper * odd, axis=2)
    tl.store(y + row, tl.sum(total, axis=1), mask=inside)


def int4_gemv(packed, scale, x, y, rows, groups):
    sizes = {"ROWS": 4, "GROUPS": 8, "BYTES": 64}
    _rows[(triton.cdiv(rows, 4),)](packed, scale, x, y, rows, groups, **sizes, num_warps=4)
