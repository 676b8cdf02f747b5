"""A program a token and eight of its heads: four times as many programs as tokens, each with little to hold."""

import triton
import triton.language as tl


@triton.jit
def _heads(x, cosine, sine, out, heads, half, width, stride, HEADS: tl.constexpr, HALF: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    head = (tl.program_id(1) * HEADS + tl.arange(0, HEADS))[:, None]
    i = tl.arange(0, HALF)[None, :]
    inside = (head < heads) & (i < half)
    at = head * (2 * half) + i
    first = tl.load(x + token * stride + at, mask=inside, other=0.0)
    second = tl.load(x + token * stride + at + half, mask=inside, other=0.0)
    c = tl.load(cosine + token * half + i, mask=i < half, other=0.0)
    s = tl.load(sine + token * half + i, mask=i < half, other=0.0)
    tl.store(out + token * width + at, first * c - second * s, mask=inside)
    tl.store(out + token * width + at + half, second * c + first * s, mask=inside)


def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    grid = (tokens, triton.cdiv(heads, 8))
    sizes = {"HEADS": 8, "HALF": triton.next_power_of_2(half)}
    _heads[grid](x, cosine, sine, out, heads, half, width, stride, **sizes, num_warps=4)
