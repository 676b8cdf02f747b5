"""Sixty-four positions a program: every key that is loaded serves all of them."""

import triton
import triton.language as tl


@triton.jit
def _block(q, k, v, out, length, scale, ROWS: tl.constexpr, STEP: tl.constexpr, WIDTH: tl.constexpr):
    base = tl.program_id(1).to(tl.int64) * length * WIDTH
    first = tl.program_id(0) * ROWS
    i = first + tl.arange(0, ROWS)
    d = tl.arange(0, WIDTH)
    own = base + i[:, None] * WIDTH + d[None, :]
    query = tl.load(q + own, mask=i[:, None] < length, other=0.0)
    most = tl.full((ROWS,), -float("inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    found = tl.zeros((ROWS, WIDTH), tl.float32)
    for start in range(0, tl.minimum(first + ROWS, length), STEP):
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
    tl.store(out + own, found / total[:, None], mask=i[:, None] < length)


def causal_attention(q, k, v, out, heads, length):
    grid = (triton.cdiv(length, 64), heads)
    _block[grid](q, k, v, out, length, 0.125, ROWS=64, STEP=32, WIDTH=64, num_warps=8, num_stages=2)
