"""Four tokens a program in steps of eight rows of their matrices: many programs, and much asked for at once."""

import triton
import triton.language as tl


@triton.jit
def _tokens(
    x, expert, weights, out, tokens, width, outputs, TOKENS: tl.constexpr, OUTPUTS: tl.constexpr, DEPTH: tl.constexpr
):
    token = tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)
    n = tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS)
    there = token < tokens
    matrix = tl.load(expert + token, mask=there, other=0).to(tl.int64) * width * outputs
    total = tl.zeros((TOKENS, DEPTH, OUTPUTS), tl.float32)
    inside = there[:, None, None] & (n < outputs)[None, None, :]
    for start in range(0, width, DEPTH):
        k = start + tl.arange(0, DEPTH)
        deep = (k < width)[None, :]
        factor = tl.load(x + token[:, None] * width + k[None, :], mask=there[:, None] & deep, other=0.0)
        at = matrix[:, None, None] + k[None, :, None] * outputs + n[None, None, :]
        total += factor[:, :, None] * tl.load(weights + at, mask=inside & deep[:, :, None], other=0.0)
    place = token[:, None] * outputs + n[None, :]
    tl.store(out + place, tl.sum(total, axis=1), mask=there[:, None] & (n < outputs)[None, :])


def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    grid, sizes = (triton.cdiv(tokens, 4), triton.cdiv(outputs, 64)), {"TOKENS": 4, "OUTPUTS": 64, "DEPTH": 8}
    _tokens[grid](x, expert, weights, out, tokens, width, outputs, **sizes, num_warps=4)
