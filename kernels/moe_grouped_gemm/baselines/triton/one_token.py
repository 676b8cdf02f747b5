"""One program a token and some outputs: its expert's matrix in blocks of rows, each row in whole lines."""

import triton
import triton.language as tl


@triton.jit
def _token(x, expert, weights, out, width, outputs, OUTPUTS: tl.constexpr, DEPTH: tl.constexpr):
    token, p = tl.program_id(0), tl.arange(0, DEPTH)
    n = (tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS))[None, :]
    matrix = weights + tl.load(expert + token).to(tl.int64) * width * outputs
    total = tl.zeros((DEPTH, OUTPUTS), tl.float32)
    for start in range(0, width, DEPTH):
        k = (start + p)[:, None]
        factor = tl.load(x + token * width + k, mask=k < width, other=0.0)
        total += factor * tl.load(matrix + k * outputs + n, mask=(k < width) & (n < outputs), other=0.0)
    at = tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS)
    tl.store(out + token * outputs + at, tl.sum(total, axis=0), mask=at < outputs)


def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    grid = (tokens, triton.cdiv(outputs, 64))
    _token[grid](x, expert, weights, out, width, outputs, OUTPUTS=64, DEPTH=32, num_warps=4)
