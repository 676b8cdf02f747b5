"""Row by row and group by group, one byte at a time."""

import numba


@numba.njit
def int4_gemv(packed, scale, x, y, rows, groups):
    for row in range(rows):
        total = numba.float32(0.0)
        for group in range(groups):
            dot = numba.float32(0.0)
            for j in range(64):
                byte = packed[row, group, j]
                dot += numba.float32(numba.int32(byte & 15) - 8) * x[group, 2 * j]
                dot += numba.float32(numba.int32(byte >> 4) - 8) * x[group, 2 * j + 1]
            total += scale[row, group] * dot
        y[row] = total
