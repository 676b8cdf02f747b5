// A block a row, a thread a run of the row: neighbouring threads read elements that lie a run apart.
// Control.
#include <cmath>
#include <cstdint>

// launch: normalise<<<rows, 256>>>(x, weight, bias, out, columns, stride, epsilon)

__device__ double block_sum(double value) {
    __shared__ double part[8];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    double sum = 0.0;
    for (int i = 0; i < 8; i++) sum += part[i];
    __syncthreads();
    return sum;
}

extern "C" __global__ void normalise(const float* x, const float* weight, const float* bias, float* out,
                                     int64_t columns, int64_t stride, double epsilon) {
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * columns;
    const int64_t run = (columns + 255) / 256, first = threadIdx.x * run, end = min(columns, first + run);
    double sum = 0.0;
    for (int64_t i = first; i < end; i++) sum += a[i];
    const double mean = block_sum(sum) / (double)columns;
    double squares = 0.0;
    for (int64_t i = first; i < end; i++) squares += (a[i] - mean) * (a[i] - mean);
    const double scale = 1.0 / sqrt(block_sum(squares) / (double)columns + epsilon);
    for (int64_t i = first; i < end; i++) y[i] = (float)((a[i] - mean) * scale) * weight[i] + bias[i];
}
