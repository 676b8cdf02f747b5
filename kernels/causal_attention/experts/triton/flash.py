"""Flash attention: blocks that lie wholly before a position go unmasked, powers are of two, products on tensor cores.

Source: Dao, FlashAttention-2, 2023, with float32 products in three of TF32
"""

import triton
import triton.language as tl


@triton.jit
def _step(query, k, v, state, base, start, i, length, MASKED: tl.constexpr, STEP: tl.constexpr, WIDTH: tl.constexpr):
    most, total, found = state
    j, d = start + tl.arange(0, STEP), tl.arange(0, WIDTH)
    other = base + j[:, None] * WIDTH + d[None, :]
    keys = tl.load(k + other, mask=j[:, None] < length, other=0.0)
    values = tl.load(v + other, mask=j[:, None] < length, other=0.0)
    scores = tl.dot(query, tl.trans(keys), input_precision="tf32x3")
    if MASKED:
        scores = tl.where(j[None, :] <= i[:, None], scores, -float("inf"))
    higher = tl.maximum(most, tl.max(scores, axis=1))
    powers = tl.exp2(scores - higher[:, None])
    shrink = tl.exp2(most - higher)
    found = tl.dot(powers, values, found * shrink[:, None], input_precision="tf32x3")
    return higher, total * shrink + tl.sum(powers, axis=1), found


@triton.jit
def _block(q, k, v, out, length, scale, ROWS: tl.constexpr, STEP: tl.constexpr, WIDTH: tl.constexpr):
    base = tl.program_id(1).to(tl.int64) * length * WIDTH
    first = tl.program_id(0) * ROWS
    i = first + tl.arange(0, ROWS)
    own = base + i[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    query = tl.load(q + own, mask=i[:, None] < length, other=0.0) * scale
    most = tl.full((ROWS,), -float("inf"), tl.float32)
    state = most, tl.zeros((ROWS,), tl.float32), tl.zeros((ROWS, WIDTH), tl.float32)
    for start in range(0, first, STEP):
        state = _step(query, k, v, state, base, start, i, length, False, STEP, WIDTH)
    for start in range(first, tl.minimum(first + ROWS, length), STEP):
        state = _step(query, k, v, state, base, start, i, length, True, STEP, WIDTH)
    most, total, found = state
    tl.store(out + own, found / total[:, None], mask=i[:, None] < length)


def causal_attention(q, k, v, out, heads, length):
    grid, scale = (triton.cdiv(length, 16), heads), 0.125 * 1.4426950408889634
    _block[grid](q, k, v, out, length, scale, ROWS=16, STEP=16, WIDTH=64, num_warps=4, num_stages=2)
