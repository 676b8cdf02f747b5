"""Twenty programs take the tokens in turn: most of the device has nothing to do.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _tokens(x, cosine, sine, out, tokens, heads, half, width, stride, HEADS: tl.constexpr, HALF: tl.constexpr):
    head = tl.arange(0, HEADS)[:, None]
    i = tl.arange(0, HALF)[None, :]
    inside = (head < heads) & (i < half)
    at = head * (2 * half) + i
    for token in range(tl.program_id(0), tokens, tl.num_programs(0)):
        first = tl.load(x + token * stride + at, mask=inside, other=0.0)
        second = tl.load(x + token * stride + at + half, mask=inside, other=0.0)
        c = tl.load(cosine + token * half + i, mask=i < half, other=0.0)
        s = tl.load(sine + token * half + i, mask=i < half, other=0.0)
        tl.store(out + token * width + at, first * c - second * s, mask=inside)
        tl.store(out + token * width + at + half, second * c + first * s, mask=inside)


def rope(x, cosine, sine, out, tokens, heads, half, width, stride):
    sizes = {"HEADS": triton.next_power_of_2(heads), "HALF": triton.next_power_of_2(half)}
    _tokens[(min(tokens, 20),)](x, cosine, sine, out, tokens, heads, half, width, stride, **sizes, num_warps=4)
