"""One token a program.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _tokens(logits, weights, chosen, tokens, stride, TOKENS: tl.constexpr, EXPERTS: tl.constexpr, CHOSEN: tl.constexpr):
    token = (tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)).to(tl.int64)
    place = tl.arange(0, EXPERTS)[None, :]
    inside = token < tokens
    left = tl.load(logits + token[:, None] * stride + place, mask=inside[:, None], other=0.0)
    most = tl.max(left, axis=1)
    total = tl.sum(tl.exp(left - most[:, None]), axis=1)
    for i in tl.static_range(CHOSEN):
        top = tl.max(left, axis=1)
        at = tl.min(tl.where(left == top[:, None], place, EXPERTS), axis=1)
        tl.store(weights + token * CHOSEN + i, tl.exp(top - most) / total, mask=inside)
        tl.store(chosen + token * CHOSEN + i, at, mask=inside)
        left = tl.where(place == at[:, None], -float("inf"), left)


def moe_gating(logits, weights, chosen, tokens, stride):
    grid = (triton.cdiv(tokens, 1),)
    _tokens[grid](logits, weights, chosen, tokens, stride, TOKENS=1, EXPERTS=128, CHOSEN=8, num_warps=4)
