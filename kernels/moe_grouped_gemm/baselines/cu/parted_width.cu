// A block a token and 32 outputs, in which eight warps share the width; their sums are added at the end.
// Source: split-K products
#include <cstdint>

constexpr int WIDE = 32;
constexpr int PARTS = 8;
// launch: products<<<((outputs + WIDE - 1) / WIDE, tokens), (WIDE, PARTS)>>>(x, expert, weights, out, width, outputs)

extern "C" __global__ void products(const float* x, const int32_t* expert, const float* weights, float* out,
                                    int64_t width, int64_t outputs) {
    __shared__ float part[PARTS][WIDE];
    const int64_t token = blockIdx.y, n = blockIdx.x * (int64_t)WIDE + threadIdx.x;
    const float* matrix = weights + expert[token] * width * outputs;
    float sum = 0.0f;
    for (int64_t i = threadIdx.y; i < width && n < outputs; i += PARTS) {
        sum += x[token * width + i] * matrix[i * outputs + n];
    }
    part[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || n >= outputs) return;
    for (int k = 1; k < PARTS; k++) sum += part[k][threadIdx.x];
    out[token * outputs + n] = sum;
}
