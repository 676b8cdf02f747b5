// Tiles of 64 by 64 in shared memory, of which a thread has a tile of 4 by 4 in registers, read in fours.
// Source: register tiling; Nath, Tomov and Dongarra, "An improved MAGMA GEMM for Fermi GPUs", 2010
#include <cstdint>

constexpr int TILE = 64;
constexpr int DEEP = 16;
constexpr int THREADS = 256;
// launch: product<<<((columns + TILE - 1) / TILE, (rows + TILE - 1) / TILE), THREADS>>>(a, b, out, rows, columns, depth)

extern "C" __global__ void product(const float* a, const float* b, float* out, int64_t rows, int64_t columns,
                                   int64_t depth) {
    __shared__ __align__(16) float left[DEEP][TILE];
    __shared__ __align__(16) float right[DEEP][TILE];
    const int x = threadIdx.x % 16 * 4, y = threadIdx.x / 16 * 4;
    const int64_t top = blockIdx.y * (int64_t)TILE, side = blockIdx.x * (int64_t)TILE;
    float sum[4][4] = {};
    for (int64_t start = 0; start < depth; start += DEEP) {
        for (int at = threadIdx.x; at < TILE * DEEP; at += THREADS) {
            const int64_t i = top + at / DEEP, p = start + at % DEEP;
            left[at % DEEP][at / DEEP] = i < rows && p < depth ? a[i * depth + p] : 0.0f;
            const int64_t q = start + at / TILE, j = side + at % TILE;
            right[at / TILE][at % TILE] = q < depth && j < columns ? b[q * columns + j] : 0.0f;
        }
        __syncthreads();
        for (int p = 0; p < DEEP; p++) {
            const float4 u = *(const float4*)&left[p][y], v = *(const float4*)&right[p][x];
            const float ours[4] = {u.x, u.y, u.z, u.w}, theirs[4] = {v.x, v.y, v.z, v.w};
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 4; j++) sum[i][j] += ours[i] * theirs[j];
            }
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            if (top + y + i < rows && side + x + j < columns) out[(top + y + i) * columns + side + x + j] = sum[i][j];
        }
    }
}
