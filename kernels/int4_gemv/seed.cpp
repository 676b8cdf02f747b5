// Row by row and group by group, one byte at a time.
#include <cstdint>

extern "C" void int4_gemv(const uint8_t* packed, const float* scale, const float* x, float* y, int64_t rows,
                          int64_t groups) {
    for (int64_t row = 0; row < rows; row++) {
        float sum = 0.0f;
        for (int64_t group = 0; group < groups; group++) {
            const uint8_t* bytes = packed + (row * groups + group) * 64;
            const float* part = x + group * 128;
            float dot = 0.0f;
            for (int64_t j = 0; j < 64; j++) {
                dot += (float)((bytes[j] & 15) - 8) * part[2 * j];
                dot += (float)((bytes[j] >> 4) - 8) * part[2 * j + 1];
            }
            sum += scale[row * groups + group] * dot;
        }
        y[row] = sum;
    }
}
