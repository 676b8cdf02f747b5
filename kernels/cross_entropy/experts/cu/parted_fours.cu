// Each row is parted among four blocks, which read their part once, in fours; a second launch merges maxima and sums.
// Source: written for this problem
#include <cmath>
#include <cstdint>

constexpr int THREADS = 512;
constexpr int PARTS = 4;
// scratch: found float32[rows * PARTS * 2]
// launch: parts<<<(PARTS, rows), THREADS>>>(x, found, columns, stride)
// launch: losses<<<(rows + 63) / 64, 64>>>(x, target, found, loss, rows, stride)

struct Total {
    float most, sum;
};

__device__ Total merged(Total a, Total b) {
    const float most = fmaxf(a.most, b.most);
    if (most == -INFINITY) return a;
    return {most, a.sum * expf(a.most - most) + b.sum * expf(b.most - most)};
}

__device__ Total of_block(Total own) {
    __shared__ Total part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) {
        const Total other = {__shfl_xor_sync(0xffffffffu, own.most, step), __shfl_xor_sync(0xffffffffu, own.sum, step)};
        own = merged(own, other);
    }
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = own;
    __syncthreads();
    own = part[0];
    for (int i = 1; i < THREADS / 32; i++) own = merged(own, part[i]);
    return own;
}

extern "C" __global__ void parts(const float* x, float* found, int64_t columns, int64_t stride) {
    const float* a = x + blockIdx.y * stride;
    const int64_t share = (columns + 4 * PARTS - 1) / (4 * PARTS) * 4;
    const int64_t first = min(columns, blockIdx.x * share), end = min(columns, first + share);
    const int64_t fours = (uintptr_t)(a + first) % 16 == 0 ? (end - first) / 4 : 0;
    const float4* a4 = (const float4*)(a + first);
    Total own = {-INFINITY, 0.0f};
    for (int64_t i = threadIdx.x; i < fours; i += THREADS) {
        const float4 v = a4[i];
        const float most = fmaxf(own.most, fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
        own.sum = own.sum * expf(own.most - most) + (expf(v.x - most) + expf(v.y - most)) +
                  (expf(v.z - most) + expf(v.w - most));
        own.most = most;
    }
    for (int64_t i = first + fours * 4 + threadIdx.x; i < end; i += THREADS) own = merged(own, {a[i], 1.0f});
    own = of_block(own);
    if (threadIdx.x == 0) *(float2*)(found + (blockIdx.y * (int64_t)PARTS + blockIdx.x) * 2) = {own.most, own.sum};
}

extern "C" __global__ void losses(const float* x, const int64_t* target, float* found, float* loss, int64_t rows,
                                  int64_t stride) {
    const int64_t row = blockIdx.x * (int64_t)64 + threadIdx.x;
    if (row >= rows) return;
    const float2* own = (const float2*)found + row * PARTS;
    Total all = {-INFINITY, 0.0f};
    for (int i = 0; i < PARTS; i++) all = merged(all, {own[i].x, own[i].y});
    loss[row] = logf(all.sum) - (x[row * stride + target[row]] - all.most);
}
