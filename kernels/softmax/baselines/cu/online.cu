// Maximum and sum in one pass: a thread scales its sum whenever a larger element comes, and threads are merged likewise.
// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018
#include <cmath>
#include <cstdint>

constexpr int THREADS = 256;
// launch: softmax_rows<<<rows, THREADS>>>(x, out, columns, stride)

struct Total {
    float most, sum;
};

__device__ Total merged(Total a, Total b) {
    const float most = fmaxf(a.most, b.most);
    if (most == -INFINITY) return a;
    return {most, a.sum * expf(a.most - most) + b.sum * expf(b.most - most)};
}

__device__ Total of_block(Total own) {
    __shared__ Total part[THREADS / 32];
    for (int step = 16; step > 0; step /= 2) {
        const Total other = {__shfl_xor_sync(0xffffffffu, own.most, step), __shfl_xor_sync(0xffffffffu, own.sum, step)};
        own = merged(own, other);
    }
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = own;
    __syncthreads();
    own = part[0];
    for (int i = 1; i < THREADS / 32; i++) own = merged(own, part[i]);
    return own;
}

extern "C" __global__ void softmax_rows(const float* x, float* out, int64_t columns, int64_t stride) {
    const float* a = x + blockIdx.x * stride;
    float* y = out + blockIdx.x * columns;
    Total own = {-INFINITY, 0.0f};
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) {
        const float value = a[i];
        if (value > own.most) {
            own.sum = own.sum * expf(own.most - value) + 1.0f;
            own.most = value;
        } else {
            own.sum += expf(value - own.most);
        }
    }
    const Total row = of_block(own);
    const float scale = 1.0f / row.sum;
    for (int64_t i = threadIdx.x; i < columns; i += THREADS) y[i] = expf(a[i] - row.most) * scale;
}
