// A thread a run of 16 outputs of a token: neighbouring threads read weights that lie a run apart.
// Control.
#include <cstdint>

constexpr int RUN = 16;
// launch: products<<<((outputs + 32 * RUN - 1) / (32 * RUN), tokens), 32>>>(x, expert, weights, out, width, outputs)

extern "C" __global__ void products(const float* x, const int32_t* expert, const float* weights, float* out,
                                    int64_t width, int64_t outputs) {
    const int64_t token = blockIdx.y, first = (blockIdx.x * (int64_t)32 + threadIdx.x) * RUN;
    const float* matrix = weights + expert[token] * width * outputs;
    for (int64_t n = first; n < min(outputs, first + RUN); n++) {
        float sum = 0.0f;
        for (int64_t i = 0; i < width; i++) sum += x[token * width + i] * matrix[i * outputs + n];
        out[token * outputs + n] = sum;
    }
}
