// Blocks of 16 queries meet tiles of 16 keys and values in shared memory; softmax is kept up from tile to tile.
// Source: Dao et al., "FlashAttention", 2022
#include <cmath>
#include <cstdint>

constexpr int WIDTH = 64;
constexpr int TILE = 16;
constexpr int THREADS = 128;
// launch: attend<<<((length + TILE - 1) / TILE, heads), THREADS>>>(q, k, v, out, length)

extern "C" __global__ void attend(const float* q, const float* k, const float* v, float* out, int64_t length) {
    __shared__ float queries[TILE][WIDTH], keys[TILE][WIDTH + 1], values[TILE][WIDTH], scores[TILE][TILE];
    const int64_t top = blockIdx.x * (int64_t)TILE, first = blockIdx.y * length;
    const int row = threadIdx.x / 8, eighth = threadIdx.x % 8;
    for (int at = threadIdx.x; at < TILE * WIDTH; at += THREADS) {
        const int64_t i = top + at / WIDTH;
        queries[at / WIDTH][at % WIDTH] = i < length ? q[(first + i) * WIDTH + at % WIDTH] : 0.0f;
    }
    float most = -INFINITY, sum = 0.0f, total[8] = {};
    for (int64_t start = 0; start < min(length, top + TILE); start += TILE) {
        for (int at = threadIdx.x; at < TILE * WIDTH; at += THREADS) {
            const int64_t j = start + at / WIDTH;
            keys[at / WIDTH][at % WIDTH] = j < length ? k[(first + j) * WIDTH + at % WIDTH] : 0.0f;
            values[at / WIDTH][at % WIDTH] = j < length ? v[(first + j) * WIDTH + at % WIDTH] : 0.0f;
        }
        __syncthreads();
        for (int j = eighth; j < TILE; j += 8) {
            float dot = 0.0f;
            for (int d = 0; d < WIDTH; d++) dot += queries[row][d] * keys[j][d];
            scores[row][j] = start + j <= top + row ? dot * 0.125f : -INFINITY;
        }
        __syncthreads();
        float higher = most;
        for (int j = 0; j < TILE; j++) higher = fmaxf(higher, scores[row][j]);
        const float kept = expf(most - higher);
        sum *= kept;
        for (int c = 0; c < 8; c++) total[c] *= kept;
        for (int j = 0; j < TILE; j++) {
            const float power = expf(scores[row][j] - higher);
            sum += power;
            for (int c = 0; c < 8; c++) total[c] += power * values[j][eighth + 8 * c];
        }
        most = higher;
        __syncthreads();
    }
    if (top + row >= length) return;
    for (int c = 0; c < 8; c++) out[(first + top + row) * WIDTH + eighth + 8 * c] = total[c] / sum;
}
