// Tiles of 32 by 32 read in fours, a thread 4 by 4 of them; the next tiles are on their way in registers while this one is
// multiplied.
// Source: written for this problem
#include <cstdint>

constexpr int TILE = 32;
constexpr int THREADS = 64;
constexpr int EACH = 4;
// launch: product<<<((columns + TILE - 1) / TILE, (rows + TILE - 1) / TILE), THREADS>>>(a, b, out, rows, columns, depth)

__device__ float4 four(const float* matrix, int64_t row, int64_t column, int64_t rows, int64_t columns) {
    const float* from = matrix + row * columns + column;
    if (row >= rows) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (column + 4 <= columns && (uintptr_t)from % 16 == 0) return *(const float4*)from;
    return make_float4(column < columns ? from[0] : 0.0f, column + 1 < columns ? from[1] : 0.0f,
                       column + 2 < columns ? from[2] : 0.0f, column + 3 < columns ? from[3] : 0.0f);
}

extern "C" __global__ void product(const float* a, const float* b, float* out, int64_t rows, int64_t columns,
                                   int64_t depth) {
    __shared__ __align__(16) float left[TILE][TILE + 4];
    __shared__ __align__(16) float right[TILE][TILE];
    const int64_t top = blockIdx.y * (int64_t)TILE, side = blockIdx.x * (int64_t)TILE;
    const int x = threadIdx.x % 8 * 4, y = threadIdx.x / 8 * 4;
    float4 ours[EACH], theirs[EACH];
    float sum[4][4] = {};
    #pragma unroll
    for (int k = 0; k < EACH; k++) {
        ours[k] = four(a, top + y / 4 + 8 * k, x, rows, depth);
        theirs[k] = four(b, y / 4 + 8 * k, side + x, depth, columns);
    }
    for (int64_t start = 0; start < depth; start += TILE) {
        #pragma unroll
        for (int k = 0; k < EACH; k++) {
            const int at = y / 4 + 8 * k;
            left[x][at] = ours[k].x, left[x + 1][at] = ours[k].y, left[x + 2][at] = ours[k].z, left[x + 3][at] = ours[k].w;
            *(float4*)&right[at][x] = theirs[k];
        }
        __syncthreads();
        #pragma unroll
        for (int k = 0; k < EACH && start + TILE < depth; k++) {
            ours[k] = four(a, top + y / 4 + 8 * k, start + TILE + x, rows, depth);
            theirs[k] = four(b, start + TILE + y / 4 + 8 * k, side + x, depth, columns);
        }
        #pragma unroll 8
        for (int p = 0; p < TILE; p++) {
            const float4 u = *(const float4*)&left[p][y], v = *(const float4*)&right[p][x];
            const float each[4] = {u.x, u.y, u.z, u.w}, other[4] = {v.x, v.y, v.z, v.w};
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 4; j++) sum[i][j] += each[i] * other[j];
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
