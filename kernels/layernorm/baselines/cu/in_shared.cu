// A block a row, which waits in shared memory while mean and variance are found: nothing is read twice.
// Source: fused normalisation kernels
#include <cmath>
#include <cstdint>

constexpr int THREADS = 512;
// launch: normalise<<<rows, THREADS, columns * 4>>>(x, weight, bias, out, columns, stride, epsilon)

__device__ double block_sum(double value) {
    __shared__ double part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    double sum = 0.0;
    for (int i = 0; i < THREADS / 32; i++) sum += part[i];
    __syncthreads();
    return sum;
}

extern "C" __global__ void normalise(const float* x, const float* weight, const float* bias, float* out,
                                     int64_t columns, int64_t stride, double epsilon) {
    extern __shared__ float row[];
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * columns;
    double sum = 0.0;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        row[i] = a[i];
        sum += row[i];
    }
    const double mean = block_sum(sum) / (double)columns;
    double squares = 0.0;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        row[i] = (float)(row[i] - mean);
        squares += row[i] * row[i];
    }
    const float scale = (float)(1.0 / sqrt(block_sum(squares) / (double)columns + epsilon));
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) y[i] = row[i] * scale * weight[i] + bias[i];
}
