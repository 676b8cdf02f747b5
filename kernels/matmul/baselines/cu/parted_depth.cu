// The depth is parted among four blocks, so that small products fill the device; a second launch adds what they found.
// Source: split-K products
#include <cstdint>

constexpr int TILE = 32;
constexpr int HIGH = 8;
constexpr int PARTS = 4;
// scratch: found float32[rows * columns * PARTS]
// launch: parts<<<((columns + TILE - 1) / TILE, (rows + TILE - 1) / TILE, PARTS), (TILE, HIGH)>>>(a, b, found, rows, columns, depth)
// launch: added<<<(rows * columns + 255) / 256, 256>>>(found, out, rows * columns)

extern "C" __global__ void parts(const float* a, const float* b, float* found, int64_t rows, int64_t columns,
                                 int64_t depth) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE];
    const int x = threadIdx.x, y = threadIdx.y;
    const int64_t top = blockIdx.y * (int64_t)TILE, j = blockIdx.x * (int64_t)TILE + x;
    const int64_t share = (depth + PARTS - 1) / PARTS, first = blockIdx.z * share, end = min(depth, first + share);
    float sum[TILE / HIGH] = {};
    for (int64_t start = first; start < end; start += TILE) {
        for (int k = y; k < TILE; k += HIGH) {
            left[k][x] = top + k < rows && start + x < end ? a[(top + k) * depth + start + x] : 0.0f;
            right[k][x] = start + k < end && j < columns ? b[(start + k) * columns + j] : 0.0f;
        }
        __syncthreads();
        for (int p = 0; p < TILE; p++) {
            const float value = right[p][x];
            for (int k = 0; k < TILE / HIGH; k++) sum[k] += left[y + k * HIGH][p] * value;
        }
        __syncthreads();
    }
    for (int k = 0; k < TILE / HIGH; k++) {
        const int64_t i = top + y + k * HIGH;
        if (i < rows && j < columns) found[(blockIdx.z * rows + i) * columns + j] = sum[k];
    }
}

extern "C" __global__ void added(float* found, float* out, int64_t count) {
    const int64_t at = blockIdx.x * (int64_t)256 + threadIdx.x;
    if (at >= count) return;
    float sum = 0.0f;
    for (int part = 0; part < PARTS; part++) sum += found[part * count + at];
    out[at] = sum;
}
