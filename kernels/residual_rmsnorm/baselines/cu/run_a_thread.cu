// A block a row, a thread a run of the row: neighbouring threads read elements that lie a run apart.
// Control.
#include <cmath>
#include <cstdint>

// launch: add_and_normalise<<<rows, 256>>>(x, residual, weight, out, total, columns, stride, epsilon)

__device__ float block_sum(float value) {
    __shared__ float part[8];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0.0f;
    for (int i = 0; i < 8; i++) sum += part[i];
    return sum;
}

extern "C" __global__ void add_and_normalise(const float* x, const float* residual, const float* weight, float* out,
                                             float* total, int64_t columns, int64_t stride, double epsilon) {
    const float* a = x + blockIdx.x * stride;
    const float* b = residual + blockIdx.x * stride;
    float* h = total + blockIdx.x * columns;
    const int64_t run = (columns + 255) / 256, first = threadIdx.x * run, end = min(columns, first + run);
    float squares = 0.0f;
    for (int64_t i = first; i < end; i++) {
        h[i] = a[i] + b[i];
        squares += h[i] * h[i];
    }
    const float scale = 1.0f / sqrtf(block_sum(squares) / (float)columns + (float)epsilon);
    for (int64_t i = first; i < end; i++) out[blockIdx.x * columns + i] = h[i] * scale * weight[i];
}
