// As many threads as a row has fours, up to 1,024: the row is loaded once, stays in registers and is written once.
// Source: written for this problem
#include <cmath>
#include <cstdint>

constexpr int KEPT = 2;
// launch: softmax_rows<<<rows, min(1024, (columns + 127) / 128 * 32)>>>(x, out, columns, stride)

__device__ float block_max(float value) {
    __shared__ float part[32];
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? part[threadIdx.x % 32] : -INFINITY;
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    return value;
}

__device__ float block_sum(float value) {
    __shared__ float part[32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? part[threadIdx.x % 32] : 0.0f;
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

__device__ void in_registers(const float4* a, float4* y, int fours) {
    float4 v[KEPT];
    float most = -INFINITY;
    #pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = threadIdx.x + k * blockDim.x;
        v[k] = i < fours ? a[i] : make_float4(-INFINITY, -INFINITY, -INFINITY, -INFINITY);
        most = fmaxf(most, fmaxf(fmaxf(v[k].x, v[k].y), fmaxf(v[k].z, v[k].w)));
    }
    most = block_max(most);
    float sum = 0.0f;
    #pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (threadIdx.x + k * blockDim.x >= fours) continue;
        v[k] = make_float4(expf(v[k].x - most), expf(v[k].y - most), expf(v[k].z - most), expf(v[k].w - most));
        sum += (v[k].x + v[k].y) + (v[k].z + v[k].w);
    }
    const float scale = 1.0f / block_sum(sum);
    #pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i < fours) y[i] = make_float4(v[k].x * scale, v[k].y * scale, v[k].z * scale, v[k].w * scale);
    }
}

__device__ void in_passes(const float* a, float* y, int64_t columns) {
    float most = -INFINITY;
    for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) most = fmaxf(most, a[i]);
    most = block_max(most);
    float sum = 0.0f;
    for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) sum += expf(a[i] - most);
    const float scale = 1.0f / block_sum(sum);
    for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) y[i] = expf(a[i] - most) * scale;
}

extern "C" __global__ void softmax_rows(const float* x, float* out, int64_t columns, int64_t stride) {
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * columns;
    const bool in_fours = columns % 4 == 0 && (uintptr_t)a % 16 == 0 && (uintptr_t)y % 16 == 0;
    if (in_fours && columns <= (int64_t)4 * KEPT * blockDim.x) {
        in_registers((const float4*)a, (float4*)y, (int)(columns / 4));
    } else {
        in_passes(a, y, columns);
    }
}
