// Four running sums a group, so that an addition need not wait for the one before.
// Source: loop unrolling, in every textbook on pipelines
#include <cstdint>

extern "C" void int4_gemv(const uint8_t* packed, const float* scale, const float* x, float* y, int64_t rows,
                          int64_t groups) {
    for (int64_t row = 0; row < rows; row++) {
        float sum = 0.0f;
        for (int64_t group = 0; group < groups; group++) {
            const uint8_t* bytes = packed + (row * groups + group) * 64;
            const float* part = x + group * 128;
            float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
            for (int64_t j = 0; j < 64; j += 2) {
                s0 += (float)((bytes[j] & 15) - 8) * part[2 * j];
                s1 += (float)((bytes[j] >> 4) - 8) * part[2 * j + 1];
                s2 += (float)((bytes[j + 1] & 15) - 8) * part[2 * j + 2];
                s3 += (float)((bytes[j + 1] >> 4) - 8) * part[2 * j + 3];
            }
            sum += scale[row * groups + group] * ((s0 + s1) + (s2 + s3));
        }
        y[row] = sum;
    }
}
