"""One program a row, part by part: the largest logit so far, and the sum of exponentials from it."""

import triton
import triton.language as tl


@triton.jit
def _row(x, target, loss, columns, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    most = tl.full((), -float("inf"), tl.float32)
    total = tl.zeros((), tl.float32)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        values = tl.load(x + row * stride + at, mask=at < columns, other=-float("inf"))
        higher = tl.maximum(most, tl.max(values, axis=0))
        total = total * tl.exp(most - higher) + tl.sum(tl.exp(values - higher), axis=0)
        most = higher
    chosen = tl.load(x + row * stride + tl.load(target + row))
    tl.store(loss + row, tl.log(total) - (chosen - most))


def cross_entropy(x, target, loss, rows, columns, stride):
    block = min(4096, triton.next_power_of_2(columns))
    _row[(rows,)](x, target, loss, columns, stride, BLOCK=block, num_warps=4 if block <= 2048 else 8)
