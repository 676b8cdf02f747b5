// Blocks of 16 queries meet tiles of 32 keys; a thread has two scores by two in registers, and all loads of a tile are fours.
// Source: Dao, "FlashAttention-2", 2023; written for this problem
#include <cmath>
#include <cstdint>

constexpr int WIDTH = 64;
constexpr int ROWS = 16;
constexpr int TILE = 32;
constexpr int THREADS = 128;
constexpr int APART = WIDTH + 4;
// launch: attend<<<((length + ROWS - 1) / ROWS, heads), THREADS>>>(q, k, v, out, length)

__device__ float4 four(const float* from, bool is_there) {
    if (!is_there) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if ((uintptr_t)from % 16 == 0) return *(const float4*)from;
    return make_float4(from[0], from[1], from[2], from[3]);
}

__device__ float product(float4 a, float4 b) { return (a.x * b.x + a.y * b.y) + (a.z * b.z + a.w * b.w); }

extern "C" __global__ void attend(const float* q, const float* k, const float* v, float* out, int64_t length) {
    __shared__ __align__(16) float queries[ROWS][APART], keys[TILE][APART], values[TILE][WIDTH];
    __shared__ float scores[ROWS][TILE + 1];
    const int64_t last = (length + ROWS - 1) / ROWS - 1, top = (last - blockIdx.x) * ROWS, first = blockIdx.y * length;
    const int row = threadIdx.x / 8, part = threadIdx.x % 8, pair = threadIdx.x / 16 * 2, column = threadIdx.x % 16;
    for (int at = threadIdx.x; at < ROWS * WIDTH / 4; at += THREADS) {
        const int64_t i = top + at / 16;
        *(float4*)&queries[at / 16][at % 16 * 4] = four(q + (first + i) * WIDTH + at % 16 * 4, i < length);
    }
    float most = -INFINITY, sum = 0.0f;
    float4 low = make_float4(0.0f, 0.0f, 0.0f, 0.0f), high = low;
    for (int64_t start = 0; start < min(length, top + ROWS); start += TILE) {
        float4 ours[4], theirs[4];
        #pragma unroll
        for (int n = 0; n < 4; n++) {
            const int at = threadIdx.x + n * THREADS;
            const int64_t j = start + at / 16, from = (first + j) * WIDTH + at % 16 * 4;
            ours[n] = four(k + from, j < length);
            theirs[n] = four(v + from, j < length);
        }
        #pragma unroll
        for (int n = 0; n < 4; n++) {
            const int at = threadIdx.x + n * THREADS;
            *(float4*)&keys[at / 16][at % 16 * 4] = ours[n];
            *(float4*)&values[at / 16][at % 16 * 4] = theirs[n];
        }
        __syncthreads();
        float dot[2][2] = {};
        for (int d = 0; d < WIDTH; d += 4) {
            const float4 a = *(const float4*)&queries[pair][d], b = *(const float4*)&queries[pair + 1][d];
            const float4 e = *(const float4*)&keys[column][d], f = *(const float4*)&keys[column + 16][d];
            dot[0][0] += product(a, e);
            dot[0][1] += product(a, f);
            dot[1][0] += product(b, e);
            dot[1][1] += product(b, f);
        }
        for (int n = 0; n < 4; n++) {
            const int i = pair + n / 2, j = column + n % 2 * 16;
            scores[i][j] = start + j <= top + i ? dot[n / 2][n % 2] * 0.125f : -INFINITY;
        }
        __syncthreads();
        float higher = most;
        for (int j = part; j < TILE; j += 8) higher = fmaxf(higher, scores[row][j]);
        for (int step = 4; step > 0; step /= 2) higher = fmaxf(higher, __shfl_xor_sync(0xffffffffu, higher, step));
        for (int j = part; j < TILE; j += 8) scores[row][j] = expf(scores[row][j] - higher);
        __syncwarp();
        const float kept = expf(most - higher);
        sum *= kept;
        low = make_float4(low.x * kept, low.y * kept, low.z * kept, low.w * kept);
        high = make_float4(high.x * kept, high.y * kept, high.z * kept, high.w * kept);
        for (int j = 0; j < TILE; j++) {
            const float power = scores[row][j];
            const float4 a = *(const float4*)&values[j][part * 4], b = *(const float4*)&values[j][part * 4 + 32];
            sum += power;
            low = make_float4(low.x + power * a.x, low.y + power * a.y, low.z + power * a.z, low.w + power * a.w);
            high = make_float4(high.x + power * b.x, high.y + power * b.y, high.z + power * b.z, high.w + power * b.w);
        }
        most = higher;
        __syncthreads();
    }
    if (top + row >= length) return;
    float* y = out + (first + top + row) * WIDTH + part * 4;
    const float found[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
    for (int n = 0; n < 8; n++) y[n % 4 + n / 4 * 32] = found[n] / sum;
}
