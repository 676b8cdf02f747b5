// A block of 1,024 threads a row, in two passes, four elements a load where a row lies so that it can be taken in fours.
// Source: vectorised access, NVIDIA's guide to best practices
#include <cmath>
#include <cstdint>

constexpr int THREADS = 1024;
// launch: losses<<<rows, THREADS>>>(x, target, loss, columns, stride)

__device__ float block_max(float value) {
    __shared__ float part[32];
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    value = part[threadIdx.x % 32];
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    return value;
}

__device__ float block_sum(float value) {
    __shared__ float part[32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    value = part[threadIdx.x % 32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

extern "C" __global__ void losses(const float* x, const int64_t* target, float* loss, int64_t columns,
                                  int64_t stride) {
    const float* a = x + blockIdx.x * stride;
    const float4* a4 = (const float4*)a;
    const int64_t fours = (uintptr_t)a % 16 == 0 ? columns / 4 : 0;
    float most = -INFINITY;
    for (int64_t i = threadIdx.x; i < fours; i += THREADS) {
        const float4 v = a4[i];
        most = fmaxf(most, fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
    }
    for (int64_t i = fours * 4 + threadIdx.x; i < columns; i += THREADS) most = fmaxf(most, a[i]);
    most = block_max(most);
    float sum = 0.0f;
    for (int64_t i = threadIdx.x; i < fours; i += THREADS) {
        const float4 v = a4[i];
        sum += (expf(v.x - most) + expf(v.y - most)) + (expf(v.z - most) + expf(v.w - most));
    }
    for (int64_t i = fours * 4 + threadIdx.x; i < columns; i += THREADS) sum += expf(a[i] - most);
    sum = block_sum(sum);
    if (threadIdx.x == 0) loss[blockIdx.x] = logf(sum) - (a[target[blockIdx.x]] - most);
}
