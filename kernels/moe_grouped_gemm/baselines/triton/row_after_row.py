"""One program a token, a warp that waits for each row of the matrix before it asks for the next.

Control.
"""

import triton
import triton.language as tl


@triton.jit
def _token(x, expert, weights, out, width, outputs, OUTPUTS: tl.constexpr):
    token = tl.program_id(0)
    n = tl.arange(0, OUTPUTS)
    matrix = weights + tl.load(expert + token).to(tl.int64) * width * outputs
    total = tl.zeros((OUTPUTS,), tl.float32)
    for k in range(width):
        total += tl.load(x + token * width + k) * tl.load(matrix + k * outputs + n, mask=n < outputs, other=0.0)
    tl.store(out + token * outputs + n, total, mask=n < outputs)


def moe_grouped_gemm(x, expert, weights, out, tokens, width, outputs):
    block = triton.next_power_of_2(outputs)
    _token[(tokens,)](x, expert, weights, out, width, outputs, OUTPUTS=block, num_warps=1)
