"""Tokens are put in the order of their experts first; then a program an expert and some outputs, sixteen at a time.

Source: the grouped product of vLLM's fused mixture of experts
"""

import torch
import triton
import triton.language as tl

EXPERTS = 64


@triton.jit
def _count(expert, starts, tokens, EXPERTS: tl.constexpr, STEP: tl.constexpr):
    e = tl.arange(0, EXPERTS)
    counts = tl.zeros((EXPERTS,), tl.int32)
    for first in range(0, tokens, STEP):
        token = first + tl.arange(0, STEP)
        theirs = tl.load(expert + token, mask=token < tokens, other=-1)
        counts += tl.sum((theirs[:, None] == e[None, :]).to(tl.int32), axis=0)
    tl.store(starts + e, tl.cumsum(counts, axis=0) - counts)
    tl.store(starts + EXPERTS + e, counts)


@triton.jit
def _order(expert, starts, order, tokens, STEP: tl.constexpr):
    e = tl.program_id(0)
    place = tl.load(starts + e)
    for first in range(0, tokens, STEP):
        token = first + tl.arange(0, STEP)
        own = (tl.load(expert + token, mask=token < tokens, other=-1) == e).to(tl.int32)
        tl.store(order + place + tl.cumsum(own, axis=0) - 1, token, mask=own > 0)
        place += tl.sum(own, axis=0)


@triton.jit
def _expert(
    x, starts, order, weights, out, width, outputs,
    EXPERTS: tl.constexpr, TOKENS: tl.constexpr, OUTPUTS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    e, p = tl.program_id(0), tl.arange(0, DEPTH)
    n = (tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS))[None, :]
    matrix = weights + e.to(tl.int64) * width * outputs
    begin, count = tl.load(starts + e), tl.load(starts + EXPERTS + e)
    for first in range(0, count, TOKENS):
        place = first + tl.arange(0, TOKENS)
        token = tl.load(order + begin + place, mask=place < count, other=0)
        total = tl.zeros((TOKENS, OUTPUTS), tl.float32)
        for start in range(0, width, DEPTH):
            k = start + p
            own = (place < count)[:, None] & (k < width)[None, :]
            rows = tl.load(x + token[:, None] * width + k[None, :], mask=own, other=0.0)
            part = tl.load(matrix + k[:, None] * outputs + n, mask=(k < width)[:, None] & (n < outputs), other=0.0)
            total = tl.dot(rows, part, total, input_precision="ieee")
        tl.store(out + token[:, None] * outputs + n, total, mask=(place < count)[:, None] & (n < outputs))


def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    starts = torch.empty(2 * EXPERTS, dtype=torch.int32, device=x.device)
    order = torch.empty(tokens, dtype=torch.int32, device=x.device)
    _count[(1,)](expert, starts, tokens, EXPERTS=EXPERTS, STEP=64, num_warps=4)
    _order[(EXPERTS,)](expert, starts, order, tokens, STEP=256, num_warps=1)
    grid = (EXPERTS, triton.cdiv(outputs, 64))
    sizes = {"EXPERTS": EXPERTS, "TOKENS": 16, "OUTPUTS": 64, "DEPTH": 32}
    _expert[grid](x, starts, order, weights, out, width, outputs, **sizes, num_warps=4)
