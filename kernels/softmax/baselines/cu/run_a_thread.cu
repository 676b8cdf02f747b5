// A block a row, a thread a run of the row: neighbouring threads read elements that lie a run apart.
// Control.
#include <cmath>
#include <cstdint>

// launch: softmax_rows<<<rows, 256>>>(x, out, columns, stride)

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
    const int64_t run = (columns + 255) / 256, first = threadIdx.x * run, end = min(columns, first + run);
    float most = -INFINITY;
    for (int64_t i = first; i < end; i++) most = fmaxf(most, a[i]);
    most = block_max(most);
    float sum = 0.0f;
    for (int64_t i = first; i < end; i++) sum += expf(a[i] - most);
    sum = block_sum(sum);
    for (int64_t i = first; i < end; i++) out[blockIdx.x * columns + i] = expf(a[i] - most) / sum;
}
