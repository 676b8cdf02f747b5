"""A program an expert and some outputs: of every sixteen tokens it takes those of its own, if there are any."""

import triton
import triton.language as tl


@triton.jit
def _expert(
    x, expert, weights, out, tokens, width, outputs, TOKENS: tl.constexpr, OUTPUTS: tl.constexpr, DEPTH: tl.constexpr
):
    mine, p = tl.program_id(0), tl.arange(0, DEPTH)
    n = (tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS))[None, :]
    matrix = weights + mine.to(tl.int64) * width * outputs
    for first in range(0, tokens, TOKENS):
        token = first + tl.arange(0, TOKENS)
        own = tl.load(expert + token, mask=token < tokens, other=-1) == mine
        if tl.sum(own.to(tl.int32), axis=0) > 0:
            total = tl.zeros((TOKENS, OUTPUTS), tl.float32)
            for start in range(0, width, DEPTH):
                k = start + p
                rows = tl.load(
                    x + token[:, None] * width + k[None, :], mask=own[:, None] & (k < width)[None, :], other=0.0
                )
                part = tl.load(matrix + k[:, None] * outputs + n, mask=(k < width)[:, None] & (n < outputs), other=0.0)
                total = tl.dot(rows, part, total, input_precision="ieee")
            tl.store(out + token[:, None] * outputs + n, total, mask=own[:, None] & (n < outputs))


def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    grid = (64, triton.cdiv(outputs, 64))
    _expert[grid](x, expert, weights, out, tokens, width, outputs, TOKENS=16, OUTPUTS=64, DEPTH=32, num_warps=4)
