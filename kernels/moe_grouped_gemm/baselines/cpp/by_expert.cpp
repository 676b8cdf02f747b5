// Expert after expert, so that its weights are in cache for all of its tokens; weights in the order in which they lie.
// Source: grouped matrix products
#include <cstdint>

extern "C" void moe_grouped_gemm(const float* x, const int32_t* expert, const float* weights, float* out, int64_t tokens,
                                 int64_t width, int64_t outputs) {
    for (int32_t each = 0; each < 64; each++) {
        const float* matrix = weights + each * width * outputs;
        for (int64_t token = 0; token < tokens; token++) {
            if (expert[token] != each) continue;
            float* row = out + token * outputs;
            for (int64_t n = 0; n < outputs; n++) row[n] = 0.0f;
            for (int64_t k = 0; k < width; k++) {
                const float factor = x[token * width + k];
                for (int64_t n = 0; n < outputs; n++) row[n] += factor * matrix[k * outputs + n];
            }
        }
    }
}
