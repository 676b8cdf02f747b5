// A thread an output of a token.
#include <cstdint>

// launch: products<<<((outputs + 127) / 128, tokens), 128>>>(x, expert, weights, out, width, outputs)

extern "C" __global__ void products(const float* x, const int32_t* expert, const float* weights, float* out,
                                    int64_t width, int64_t outputs) {
    const int64_t token = blockIdx.y;
    const int64_t n = blockIdx.x * (int64_t)128 + threadIdx.x;
    if (n >= outputs) return;
    const float* matrix = weights + expert[token] * width * outputs;
    float sum = 0.0f;
    for (int64_t i = 0; i < width; i++) sum += x[token * width + i] * matrix[i * outputs + n];
    out[token * outputs + n] = sum;
}
