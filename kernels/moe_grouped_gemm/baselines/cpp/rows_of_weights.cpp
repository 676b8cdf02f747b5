// The loops over outputs and products change places, so that weights are read in the order in which they lie.
// Source: loop interchange
#include <cstdint>

extern "C" void moe_grouped_gemm(const float* x, const int32_t* expert, const float* weights, float* out, int64_t tokens,
                                 int64_t width, int64_t outputs) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* matrix = weights + expert[token] * width * outputs;
        float* row = out + token * outputs;
        for (int64_t n = 0; n < outputs; n++) row[n] = 0.0f;
        for (int64_t k = 0; k < width; k++) {
            const float factor = x[token * width + k];
            for (int64_t n = 0; n < outputs; n++) row[n] += factor * matrix[k * outputs + n];
        }
    }
}
