"""Logit and place in one whole number, whose order is theirs: each of the eight is one reduction, not two."""

import triton
import triton.language as tl


@triton.jit
def _tokens(logits, weights, chosen, tokens, stride, TOKENS: tl.constexpr, EXPERTS: tl.constexpr, CHOSEN: tl.constexpr):
    token = (tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)).to(tl.int64)[:, None]
    place, k = tl.arange(0, EXPERTS)[None, :], tl.arange(0, CHOSEN)[None, :]
    inside = token < tokens
    values = tl.load(logits + token * stride + place, mask=inside, other=0.0) + 0.0
    most = tl.max(values, axis=1)[:, None]
    total = tl.sum(tl.exp(values - most), axis=1)[:, None]
    bits = values.to(tl.int32, bitcast=True)
    ordered = tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.int64)
    keys = ordered * EXPERTS + (EXPERTS - 1 - place)
    found = tl.zeros((TOKENS, CHOSEN), tl.int64)
    for i in tl.static_range(CHOSEN):
        top = tl.max(keys, axis=1)[:, None]
        found = tl.where(k == i, top, found)
        keys = tl.where(keys == top, -0x7FFFFFFFFFFFFFFF, keys)
    ordered = (found >> 7).to(tl.int32)
    tops = tl.where(ordered < 0, ordered ^ 0x7FFFFFFF, ordered).to(tl.float32, bitcast=True)
    tl.store(weights + token * CHOSEN + k, tl.exp(tops - most) / total, mask=inside)
    tl.store(chosen + token * CHOSEN + k, EXPERTS - 1 - (found & (EXPERTS - 1)).to(tl.int32), mask=inside)


def moe_gating(logits, weights, chosen, tokens, stride):
    grid = (triton.cdiv(tokens, 16),)
    _tokens[grid](logits, weights, chosen, tokens, stride, TOKENS=16, EXPERTS=128, CHOSEN=8, num_warps=4)
