"""Two launches: the depth is split among programs, whose tiles are added up afterwards, always in the same order."""

import torch
import triton
import triton.language as tl

SPLIT = 4


@triton.jit
def _tile(a, b, parts, rows, columns, depth, share, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr):
    i = (tl.program_id(0) * ROWS + tl.arange(0, ROWS))[:, None]
    j = (tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS))[None, :]
    p, part = tl.arange(0, DEPTH), tl.program_id(2)
    end = tl.minimum(depth, (part + 1) * share)
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    for start in range(part * share, end, DEPTH):
        left, right = start + p[None, :], start + p[:, None]
        x = tl.load(a + i * depth + left, mask=(i < rows) & (left < end), other=0.0)
        y = tl.load(b + right * columns + j, mask=(right < end) & (j < columns), other=0.0)
        total = tl.dot(x, y, total, input_precision="ieee")
    tl.store(parts + (part * rows + i) * columns + j, total, mask=(i < rows) & (j < columns))


@triton.jit
def _add(parts, out, count, SPLIT: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), tl.float32)
    for part in tl.static_range(SPLIT):
        total += tl.load(parts + part * count + at, mask=at < count, other=0.0)
    tl.store(out + at, total, mask=at < count)


def matmul(a, b, out, rows, columns, depth):
    parts = torch.empty(SPLIT * rows * columns, dtype=torch.float32, device=a.device)
    share = triton.cdiv(depth, SPLIT * 16) * 16
    grid = (triton.cdiv(rows, 32), triton.cdiv(columns, 64), SPLIT)
    sizes = {"ROWS": 32, "COLUMNS": 64, "DEPTH": 16}
    _tile[grid](a, b, parts, rows, columns, depth, share, **sizes, num_warps=4, num_stages=3)
    count = rows * columns
    _add[(triton.cdiv(count, 1024),)](parts, out, count, SPLIT=SPLIT, BLOCK=1024, num_warps=4)
