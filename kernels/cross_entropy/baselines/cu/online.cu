// A block a row, read once: each thread keeps a maximum and a sum that it scales when a larger element comes.
// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018
#include <cmath>
#include <cstdint>

constexpr int THREADS = 512;
// launch: losses<<<rows, THREADS>>>(x, target, loss, columns, stride)

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

extern "C" __global__ void losses(const float* x, const int64_t* target, float* loss, int64_t columns,
                                  int64_t stride) {
    const float* a = x + blockIdx.x * stride;
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
    if (threadIdx.x == 0) loss[blockIdx.x] = logf(row.sum) - (a[target[blockIdx.x]] - row.most);
}
