"""The eight are gathered in a block that is stored at once, in whole sectors, and not one column after the other."""

import triton
import triton.language as tl


@triton.jit
def _tokens(logits, weights, chosen, tokens, stride, TOKENS: tl.constexpr, EXPERTS: tl.constexpr, CHOSEN: tl.constexpr):
    token = (tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)).to(tl.int64)[:, None]
    place, k = tl.arange(0, EXPERTS)[None, :], tl.arange(0, CHOSEN)[None, :]
    inside = token < tokens
    left = tl.load(logits + token * stride + place, mask=inside, other=0.0)
    most = tl.max(left, axis=1)[:, None]
    total = tl.sum(tl.exp(left - most), axis=1)[:, None]
    tops = tl.zeros((TOKENS, CHOSEN), tl.float32)
    places = tl.zeros((TOKENS, CHOSEN), tl.int32)
    for i in tl.static_range(CHOSEN):
        top = tl.max(left, axis=1)[:, None]
        at = tl.min(tl.where(left == top, place, EXPERTS), axis=1)[:, None]
        tops, places = tl.where(k == i, top, tops), tl.where(k == i, at, places)
        left = tl.where(place == at, -float("inf"), left)
    tl.store(weights + token * CHOSEN + k, tl.exp(tops - most) / total, mask=inside)
    tl.store(chosen + token * CHOSEN + k, places, mask=inside)


def moe_gating(logits, weights, chosen, tokens, stride):
    grid = (triton.cdiv(tokens, 16),)
    _tokens[grid](logits, weights, chosen, tokens, stride, TOKENS=16, EXPERTS=128, CHOSEN=8, num_warps=4)
