"""Part by part: the largest so far and the sum from it, then once more over the row for the quotients."""

import triton
import triton.language as tl


@triton.jit
def _row(x, out, columns, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    most = tl.full((BLOCK,), -float("inf"), tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        values = tl.load(x + row * stride + at, mask=at < columns, other=-float("inf"))
        higher = tl.maximum(tl.maximum(most, values), -3e38)
        total = total * tl.exp(most - higher) + tl.exp(values - higher)
        most = higher
    top = tl.max(most, axis=0)
    share = 1.0 / tl.sum(total * tl.exp(most - top), axis=0)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        values = tl.load(x + row * stride + at, mask=at < columns, other=-float("inf"))
        tl.store(out + row * columns + at, tl.exp(values - top) * share, mask=at < columns)


def softmax(x, out, rows, columns, stride):
    _row[(rows,)](x, out, columns, stride, BLOCK=1024, num_warps=4)
