"""All that a kernel in Triton may be handed, with what is not handed on, and a launch of no program, which is left out.

A candidate of row-scale: it does not do what is asked.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def first(x, y, count, one, epsilon, yes, pair, nothing, half: tl.float16, block: tl.constexpr):
    at = tl.arange(0, block)
    part = tl.make_tensor_descriptor(x, [count, count], [count, 1], [16, 16]).load([0, 0])
    tl.store(y + at, tl.sum(part) * epsilon + tl.load(pair[1]) + pair[0] + half + yes + one)


@triton.jit
def second(x, y, block: tl.constexpr):
    tl.store(y + tl.arange(0, block), tl.load(x + tl.arange(0, block)))


def row_scale(x, y, positive, rows, columns, epsilon):
    own, more = torch.empty(7, device=x.device), torch.empty((4, 32), dtype=torch.float16, device=x.device)
    first[(rows, 2)](x, y[1:], columns, 1, epsilon, True, (-7, own), None, 1.5, block=16, num_warps=8)
    second[lambda told: (1,)](more[1:], x.view(-1), block=1024)
    second[(0,)](x, x, block=128)
