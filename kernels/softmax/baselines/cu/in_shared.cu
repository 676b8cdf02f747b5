// A block a row, which waits in shared memory: device memory is read once and written once.
// Source: fused softmax kernels
#include <cmath>
#include <cstdint>

constexpr int THREADS = 512;
// launch: softmax_rows<<<rows, THREADS, columns * 4>>>(x, out, columns, stride)

__device__ float block_max(float value) {
    __shared__ float part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    float most = part[0];
    for (int i = 1; i < THREADS / 32; i++) most = fmaxf(most, part[i]);
    return most;
}

__device__ float block_sum(float value) {
    __shared__ float part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0.0f;
    for (int i = 0; i < THREADS / 32; i++) sum += part[i];
    return sum;
}

extern "C" __global__ void softmax_rows(const float* x, float* out, int64_t columns, int64_t stride) {
    extern __shared__ float row[];
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * columns;
    float most = -INFINITY;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        row[i] = a[i];
        most = fmaxf(most, row[i]);
    }
    most = block_max(most);
    float sum = 0.0f;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        row[i] = expf(row[i] - most);
        sum += row[i];
    }
    const float scale = 1.0f / block_sum(sum);
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) y[i] = row[i] * scale;
}
