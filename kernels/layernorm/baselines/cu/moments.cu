// Sum and sum of squares in one pass, both of distances from the row's first element, in double.
// Source: shifted moments; Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983
#include <cmath>
#include <cstdint>

constexpr int THREADS = 256;
// launch: normalise<<<rows, THREADS>>>(x, weight, bias, out, columns, stride, epsilon)

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
    const double first = a[0];
    double sum = 0.0, squares = 0.0;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        const double distance = a[i] - first;
        sum += distance;
        squares += distance * distance;
    }
    const double away = block_sum(sum) / (double)columns;
    const double variance = fmax(block_sum(squares) / (double)columns - away * away, 0.0);
    const double scale = 1.0 / sqrt(variance + epsilon), mean = first + away;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        y[i] = (float)((a[i] - mean) * scale) * weight[i] + bias[i];
    }
}
