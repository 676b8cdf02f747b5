// A block a row, whose sum waits in shared memory for its scale: nothing is read twice.
// Source: fused normalisation kernels
#include <cmath>
#include <cstdint>

constexpr int THREADS = 512;
// launch: add_and_normalise<<<rows, THREADS, columns * 4>>>(x, residual, weight, out, total, columns, stride, epsilon)

__device__ float block_sum(float value) {
    __shared__ float part[32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? part[threadIdx.x % 32] : 0.0f;
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

extern "C" __global__ void add_and_normalise(const float* x, const float* residual, const float* weight, float* out,
                                             float* total, int64_t columns, int64_t stride, double epsilon) {
    extern __shared__ float row[];
    const float* a = x + blockIdx.x * stride;
    const float* b = residual + blockIdx.x * stride;
    float squares = 0.0f;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        const float value = a[i] + b[i];
        row[i] = value;
        total[blockIdx.x * columns + i] = value;
        squares += value * value;
    }
    const float scale = 1.0f / sqrtf(block_sum(squares) / (float)columns + (float)epsilon);
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        out[blockIdx.x * columns + i] = row[i] * scale * weight[i];
    }
}
