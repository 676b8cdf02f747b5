// A block a row, in three passes, four elements a load where a row lies so that it can be taken in fours.
// Source: vectorised access, NVIDIA's guide to best practices
#include <cmath>
#include <cstdint>

constexpr int THREADS = 256;
// launch: softmax_rows<<<rows, THREADS>>>(x, out, columns, stride)

__device__ float block_max(float value) {
    __shared__ float part[8];
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    float most = part[0];
    for (int i = 1; i < 8; i++) most = fmaxf(most, part[i]);
    return most;
}

__device__ float block_sum(float value) {
    __shared__ float part[8];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0.0f;
    for (int i = 0; i < 8; i++) sum += part[i];
    return sum;
}

extern "C" __global__ void softmax_rows(const float* x, float* out, int64_t columns, int64_t stride) {
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * columns;
    const int64_t fours = (uintptr_t)a % 16 == 0 && (uintptr_t)y % 16 == 0 ? columns / 4 : 0;
    const int64_t rest = fours * 4 + threadIdx.x;
    const float4* a4 = (const float4*)a;
    float4* y4 = (float4*)y;

    float most = -INFINITY;
    for (int64_t i = threadIdx.x; i < fours; i += THREADS) {
        const float4 v = a4[i];
        most = fmaxf(most, fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)));
    }
    for (int64_t i = rest; i < columns; i += THREADS) most = fmaxf(most, a[i]);
    most = block_max(most);

    float sum = 0.0f;
    for (int64_t i = threadIdx.x; i < fours; i += THREADS) {
        const float4 v = a4[i];
        sum += expf(v.x - most) + expf(v.y - most) + expf(v.z - most) + expf(v.w - most);
    }
    for (int64_t i = rest; i < columns; i += THREADS) sum += expf(a[i] - most);
    const float scale = 1.0f / block_sum(sum);

    for (int64_t i = threadIdx.x; i < fours; i += THREADS) {
        const float4 v = a4[i];
        y4[i] = make_float4(expf(v.x - most) * scale, expf(v.y - most) * scale, expf(v.z - most) * scale,
                            expf(v.w - most) * scale);
    }
    for (int64_t i = rest; i < columns; i += THREADS) y[i] = expf(a[i] - most) * scale;
}
