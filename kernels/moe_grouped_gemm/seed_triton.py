"""One program some tokens and some outputs: each token's row of its expert's matrix, one depth after the other."""

import triton
import triton.language as tl


@triton.jit
def _tokens(x, expert, weights, out, tokens, width, outputs, TOKENS: tl.constexpr, OUTPUTS: tl.constexpr):
    token = tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)
    n = (tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS))[None, :]
    there = token < tokens
    inside = there[:, None] & (n < outputs)
    matrix = tl.load(expert + token, mask=there, other=0).to(tl.int64)[:, None] * width * outputs
    total = tl.zeros((TOKENS, OUTPUTS), tl.float32)
    for k in range(width):
        factor = tl.load(x + token * width + k, mask=there, other=0.0)
        total += factor[:, None] * tl.load(weights + matrix + k * outputs + n, mask=inside, other=0.0)
    tl.store(out + token[:, None] * outputs + n, total, mask=inside)


def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    grid = (triton.cdiv(tokens, 16), triton.cdiv(outputs, 64))
    _tokens[grid](x, expert, weights, out, tokens, width, outputs, TOKENS=16, OUTPUTS=64, num_warps=4)
