"""Two launches: the maximum and sum of each part of a row, then the quotients of each part."""

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
def _quotients(x, most, total, out, columns, stride, parts, PARTS: tl.constexpr, PART: tl.constexpr):
    row, each = tl.program_id(0).to(tl.int64), tl.arange(0, PARTS)
    tops = tl.load(most + row * parts + each, mask=each < parts, other=-float("inf"))
    sums = tl.load(total + row * parts + each, mask=each < parts, other=0.0)
    top = tl.max(tops, axis=0)
    share = 1.0 / tl.sum(sums * tl.exp(tops - top), axis=0)
    at = tl.program_id(1) * PART + tl.arange(0, PART)
    values = tl.load(x + row * stride + at, mask=at < columns, other=0.0)
    tl.store(out + row * columns + at, tl.exp(values - top) * share, mask=at < columns)


def softmax(x, out, rows, columns, stride):
    parts = triton.cdiv(columns, 2048)
    most = torch.empty(rows * parts, dtype=torch.float32, device=x.device)
    total = torch.empty_like(most)
    _parts[(rows, parts)](x, most, total, columns, stride, parts, PART=2048, num_warps=8)
    sizes = {"PARTS": triton.next_power_of_2(parts), "PART": 2048}
    _quotients[(rows, parts)](x, most, total, out, columns, stride, parts, **sizes, num_warps=8)
