"""Two launches: the keys of each position are split among programs, and what they found is brought together."""

import torch
import triton
import triton.language as tl

PARTS = 2


@triton.jit
def _part(
    q, k, v, tops, sums, founds, length, scale, share, ROWS: tl.constexpr, STEP: tl.constexpr, WIDTH: tl.constexpr
):
    head, part = tl.program_id(1).to(tl.int64), tl.program_id(2)
    first = tl.program_id(0) * ROWS
    i, d = first + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    base = head * length * WIDTH
    query = tl.load(q + base + i[:, None] * WIDTH + d[None, :], mask=i[:, None] < length, other=0.0)
    most = tl.full((ROWS,), -3e38, tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    found = tl.zeros((ROWS, WIDTH), tl.float32)
    for start in range(part * share, tl.minimum(tl.minimum(first + ROWS, length), (part + 1) * share), STEP):
        j = start + tl.arange(0, STEP)
        other = base + j[:, None] * WIDTH + d[None, :]
        keys = tl.load(k + other, mask=j[:, None] < length, other=0.0)
        values = tl.load(v + other, mask=j[:, None] < length, other=0.0)
        scores = tl.dot(query, tl.trans(keys), input_precision="ieee") * scale
        scores = tl.where(j[None, :] <= i[:, None], scores, -float("inf"))
        higher = tl.maximum(most, tl.max(scores, axis=1))
        powers = tl.exp(scores - higher[:, None])
        shrink = tl.exp(most - higher)
        total = total * shrink + tl.sum(powers, axis=1)
        found = tl.dot(powers, values, found * shrink[:, None], input_precision="ieee")
        most = higher
    row = (part * tl.num_programs(1) + head) * length + i
    tl.store(tops + row, most, mask=i < length)
    tl.store(sums + row, total, mask=i < length)
    tl.store(founds + row[:, None] * WIDTH + d[None, :], found, mask=i[:, None] < length)


@triton.jit
def _together(tops, sums, founds, out, rows, PARTS: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    row, d = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH)
    most = tl.full((ROWS,), -3e38, tl.float32)
    for part in tl.static_range(PARTS):
        most = tl.maximum(most, tl.load(tops + part * rows + row, mask=row < rows, other=0.0))
    total = tl.zeros((ROWS,), tl.float32)
    found = tl.zeros((ROWS, WIDTH), tl.float32)
    for part in tl.static_range(PARTS):
        at = part * rows + row
        shrink = tl.exp(tl.load(tops + at, mask=row < rows, other=0.0) - most)
        total += tl.load(sums + at, mask=row < rows, other=1.0) * shrink
        place = at[:, None] * WIDTH + d[None, :]
        found += tl.load(founds + place, mask=row[:, None] < rows, other=0.0) * shrink[:, None]
    tl.store(out + row[:, None] * WIDTH + d[None, :], found / total[:, None], mask=row[:, None] < rows)


def causal_attention(q, k, v, out, heads, length):
    rows, share = heads * length, triton.cdiv(length, PARTS * 32) * 32
    tops = torch.empty(PARTS * rows, dtype=torch.float32, device=q.device)
    sums, founds = torch.empty_like(tops), torch.empty(PARTS * rows * 64, dtype=torch.float32, device=q.device)
    grid, sizes = (triton.cdiv(length, 16), heads, PARTS), {"ROWS": 16, "STEP": 32, "WIDTH": 64}
    _part[grid](q, k, v, tops, sums, founds, length, 0.125, share, **sizes, num_warps=4, num_stages=2)
    _together[(triton.cdiv(rows, 16),)](tops, sums, founds, out, rows, PARTS=PARTS, ROWS=16, WIDTH=64, num_warps=4)
