// As many threads as a row has fours, up to 1,024: the row stays in registers, weight and bias are asked for with it.
// Source: written for this problem
#include <cmath>
#include <cstdint>

constexpr int KEPT = 2;
// launch: normalise<<<rows, min(1024, (columns + 127) / 128 * 32)>>>(x, weight, bias, out, columns, stride, epsilon)

__device__ double block_sum(double value) {
    __shared__ double part[32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? part[threadIdx.x % 32] : 0.0;
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xffffffffu, value, step);
    __syncthreads();
    return value;
}

__device__ void in_registers(const float4* a, const float4* weight, const float4* bias, float4* y, int64_t columns,
                             double epsilon) {
    const int fours = (int)(columns / 4);
    float4 v[KEPT], w[KEPT], b[KEPT];
    #pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= fours) continue;
        v[k] = a[i];
        w[k] = weight[i];
        b[k] = bias[i];
    }
    double sum = 0.0;
    #pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (threadIdx.x + k * blockDim.x >= fours) continue;
        sum += ((double)v[k].x + v[k].y) + ((double)v[k].z + v[k].w);
    }
    const double mean = block_sum(sum) / (double)columns;
    float squares = 0.0f;
    #pragma unroll
    for (int k = 0; k < KEPT; k++) {
        if (threadIdx.x + k * blockDim.x >= fours) continue;
        v[k] = make_float4((float)(v[k].x - mean), (float)(v[k].y - mean), (float)(v[k].z - mean),
                           (float)(v[k].w - mean));
        squares += (v[k].x * v[k].x + v[k].y * v[k].y) + (v[k].z * v[k].z + v[k].w * v[k].w);
    }
    const float scale = (float)(1.0 / sqrt(block_sum(squares) / (double)columns + epsilon));
    #pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= fours) continue;
        y[i] = make_float4(v[k].x * scale * w[k].x + b[k].x, v[k].y * scale * w[k].y + b[k].y,
                           v[k].z * scale * w[k].z + b[k].z, v[k].w * scale * w[k].w + b[k].w);
    }
}

extern "C" __global__ void normalise(const float* x, const float* weight, const float* bias, float* out,
                                     int64_t columns, int64_t stride, double epsilon) {
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * columns;
    const uintptr_t lowest = (uintptr_t)a | (uintptr_t)y | (uintptr_t)weight | (uintptr_t)bias;
    if (lowest % 16 == 0 && columns % 4 == 0 && columns <= (int64_t)4 * KEPT * blockDim.x) {
        in_registers((const float4*)a, (const float4*)weight, (const float4*)bias, (float4*)y, columns, epsilon);
        return;
    }
    double sum = 0.0;
    for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) sum += a[i];
    const double mean = block_sum(sum) / (double)columns;
    double squares = 0.0;
    for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) squares += (a[i] - mean) * (a[i] - mean);
    const double scale = 1.0 / sqrt(block_sum(squares) / (double)columns + epsilon);
    for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
        y[i] = (float)((a[i] - mean) * scale) * weight[i] + bias[i];
    }
}
