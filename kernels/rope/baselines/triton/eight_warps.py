"""One program a token with eight warps; the angles are asked for together with all heads."""

import triton
import triton.language as tl


@triton.jit
def _token(x, cosine, sine, out, heads, half, width, stride, HEADS: tl.constexpr, HALF: tl.constexpr):
    token = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, HEADS)[:, None]
    i = tl.arange(0, HALF)[None, :]
    inside = (head < heads) & (i < half)
    at = head * (2 * half) + i
    c = tl.load(cosine + token * half + i, mask=i < half, other=0.0)
    s = tl.load(sine + token * half + i, mask=i < half, other=0.0)
    first = tl.load(x + token * stride + at, mask=inside, other=0.0)
    second = tl.load(x + token * stride + at + half, mask=inside, other=0.0)
    tl.store(out + token * width + at, first * c - second * s, mask=inside)
    tl.store(out + token * width + at + half, second * c + first * s, mask=inside)


def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    sizes = {"HEADS": triton.next_power_of_2(heads), "HALF": triton.next_power_of_2(half)}
    _token[(tokens,)](x, cosine, sine, out, heads, half, width, stride, **sizes, num_warps=8)
