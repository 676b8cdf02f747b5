"""Two launches: each row's root mean square, and its quotients."""

import torch
import triton
import triton.language as tl


@triton.jit(do_not_specialize=["columns"])
def roots(x, root, positive, columns, epsilon, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, mask=at < columns, other=0.0)
    tl.store(root + row, tl.sqrt(tl.sum(values * values, axis=0) / columns + epsilon))
    tl.store(positive + row, tl.sum((values > 0).to(tl.int32), axis=0))


@triton.jit(do_not_specialize=["columns"])
def quotients(x, root, y, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = row * columns + tl.arange(0, BLOCK)
    inside = tl.arange(0, BLOCK) < columns
    tl.store(y + at, tl.load(x + at, mask=inside) / tl.load(root + row), mask=inside)


def row_scale(x, y, positive, rows, columns, epsilon):
    root = torch.empty(rows, device=x.device)
    block = triton.next_power_of_2(columns)
    roots[(rows,)](x, root, positive, columns, epsilon, BLOCK=block)
    quotients[(rows,)](x, root, y, columns, BLOCK=block)
