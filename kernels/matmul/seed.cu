// A thread an element of the product; a block shares tiles of 16 by 16 of both factors.
#include <cstdint>

constexpr int TILE = 16;
// launch: product<<<((columns + TILE - 1) / TILE, (rows + TILE - 1) / TILE), (TILE, TILE)>>>(a, b, out, rows, columns, depth)

extern "C" __global__ void product(const float* a, const float* b, float* out, int64_t rows, int64_t columns,
                                   int64_t depth) {
    __shared__ float left[TILE][TILE];
    __shared__ float right[TILE][TILE];
    const int x = threadIdx.x, y = threadIdx.y;
    const int64_t i = blockIdx.y * (int64_t)TILE + y, j = blockIdx.x * (int64_t)TILE + x;
    float sum = 0.0f;
    for (int64_t start = 0; start < depth; start += TILE) {
        left[y][x] = i < rows && start + x < depth ? a[i * depth + start + x] : 0.0f;
        right[y][x] = start + y < depth && j < columns ? b[(start + y) * columns + j] : 0.0f;
        __syncthreads();
        for (int p = 0; p < TILE; p++) sum += left[y][p] * right[p][x];
        __syncthreads();
    }
    if (i < rows && j < columns) out[i * columns + j] = sum;
}
