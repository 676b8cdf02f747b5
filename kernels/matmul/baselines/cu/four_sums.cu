// Tiles of 32 by 32 in shared memory, of which a thread has four sums in a column: a number of b is read for all four.
// Source: register blocking; Volkov, "Better performance at lower occupancy", 2010
#include <cstdint>

constexpr int TILE = 32;
constexpr int HIGH = 8;
// launch: product<<<((columns + TILE - 1) / TILE, (rows + TILE - 1) / TILE), (TILE, HIGH)>>>(a, b, out, rows, columns, depth)

extern "C" __global__ void product(const float* a, const float* b, float* out, int64_t rows, int64_t columns,
                                   int64_t depth) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE];
    const int x = threadIdx.x, y = threadIdx.y;
    const int64_t top = blockIdx.y * (int64_t)TILE, j = blockIdx.x * (int64_t)TILE + x;
    float sum[TILE / HIGH] = {};
    for (int64_t start = 0; start < depth; start += TILE) {
        for (int k = y; k < TILE; k += HIGH) {
            left[k][x] = top + k < rows && start + x < depth ? a[(top + k) * depth + start + x] : 0.0f;
            right[k][x] = start + k < depth && j < columns ? b[(start + k) * columns + j] : 0.0f;
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
        if (i < rows && j < columns) out[i * columns + j] = sum[k];
    }
}
