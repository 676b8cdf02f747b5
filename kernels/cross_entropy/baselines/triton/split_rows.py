"""Two launches: the maximum and sum of each part of a row, so that few rows fill the device, then the losses."""

import torch
import triton
import triton.language as tl


@triton.jit
def _parts(x, most, total, columns, stride, parts, PART: tl.constexpr):
    row, part = tl.program_id(0).to(tl.int64), tl.program_id(1)
    at = part * PART + tl.arange(0, PART)
    values = tl.load(x + row * stride + at, mask=at < columns, other=-float("inf"))
    top = tl.max(values, axis=0)
    tl.store(most + row * parts + part, top)
    tl.store(total + row * parts + part, tl.sum(tl.exp(values - top), axis=0))


@triton.jit
def _losses(x, target, most, total, loss, stride, parts, PARTS: tl.constexpr):
    row, part = tl.program_id(0).to(tl.int64), tl.arange(0, PARTS)
    chosen = tl.load(x + row * stride + tl.load(target + row))
    tops = tl.load(most + row * parts + part, mask=part < parts, other=-float("inf"))
    sums = tl.load(total + row * parts + part, mask=part < parts, other=0.0)
    top = tl.max(tops, axis=0)
    tl.store(loss + row, tl.log(tl.sum(sums * tl.exp(tops - top), axis=0)) - (chosen - top))


def cross_entropy(x, target, loss, rows, columns, stride):
    parts = triton.cdiv(columns, 4096)
    most = torch.empty(rows * parts, dtype=torch.float32, device=x.device)
    total = torch.empty_like(most)
    _parts[(rows, parts)](x, most, total, columns, stride, parts, PART=4096, num_warps=8)
    sizes = {"PARTS": triton.next_power_of_2(parts)}
    _losses[(rows,)](x, target, most, total, loss, stride, parts, **sizes, num_warps=1)
