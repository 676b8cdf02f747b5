// The plain form with its sums in double: across the rows of the weights, a cache line for every product.
// Control.
#include <cstdint>

extern "C" void moe_grouped_gemm(const float* x, const int32_t* expert, const float* weights, float* out, int64_t tokens,
                                 int64_t width, int64_t outputs) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* matrix = weights + expert[token] * width * outputs;
        for (int64_t n = 0; n < outputs; n++) {
            double sum = 0.0;
            for (int64_t k = 0; k < width; k++) sum += (double)x[token * width + k] * matrix[k * outputs + n];
            out[token * outputs + n] = (float)sum;
        }
    }
}
