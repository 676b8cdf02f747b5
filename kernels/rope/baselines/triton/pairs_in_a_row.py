"""Pairs are numbered through all tokens and heads; a program takes a thousand, whatever token they belong to."""

import triton
import triton.language as tl


@triton.jit
def _pairs(x, cosine, sine, out, pairs, heads, half, width, stride, BLOCK: tl.constexpr):
    pair = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = pair < pairs
    i, head = pair % half, pair // half % heads
    token = (pair // half // heads).to(tl.int64)
    at = head * (2 * half) + i
    c = tl.load(cosine + token * half + i, mask=inside, other=0.0)
    s = tl.load(sine + token * half + i, mask=inside, other=0.0)
    first = tl.load(x + token * stride + at, mask=inside, other=0.0)
    second = tl.load(x + token * stride + at + half, mask=inside, other=0.0)
    tl.store(out + token * width + at, first * c - second * s, mask=inside)
    tl.store(out + token * width + at + half, second * c + first * s, mask=inside)


def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    pairs = tokens * heads * half
    grid = (triton.cdiv(pairs, 1024),)
    _pairs[grid](x, cosine, sine, out, pairs, heads, half, width, stride, BLOCK=1024, num_warps=4)
