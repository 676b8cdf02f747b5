// Four products at a time are added to a row of results, which is then read and written a quarter as often.
// Source: loop unrolling and jamming
#include <cstdint>

extern "C" void moe_grouped_gemm(const float* x, const int32_t* expert, const float* weights, float* out, int64_t tokens,
                                 int64_t width, int64_t outputs) {
    for (int64_t token = 0; token < tokens; token++) {
        const float* matrix = weights + expert[token] * width * outputs;
        const float* given = x + token * width;
        float* row = out + token * outputs;
        for (int64_t n = 0; n < outputs; n++) row[n] = 0.0f;
        int64_t k = 0;
        for (; k + 4 <= width; k += 4) {
            const float* w = matrix + k * outputs;
            for (int64_t n = 0; n < outputs; n++) {
                row[n] += (given[k] * w[n] + given[k + 1] * w[outputs + n]) +
                          (given[k + 2] * w[2 * outputs + n] + given[k + 3] * w[3 * outputs + n]);
            }
        }
        for (; k < width; k++) {
            for (int64_t n = 0; n < outputs; n++) row[n] += given[k] * matrix[k * outputs + n];
        }
    }
}
