// The weights of a group are unpacked into floats first, which the compiler does in vectors; then the product.
// Source: dequantise, then multiply
#include <cstdint>

extern "C" void int4_gemv(const uint8_t* packed, const float* scale, const float* x, float* y, int64_t rows,
                          int64_t groups) {
    for (int64_t row = 0; row < rows; row++) {
        float sum = 0.0f;
        for (int64_t group = 0; group < groups; group++) {
            const uint8_t* bytes = packed + (row * groups + group) * 64;
            const float* part = x + group * 128;
            float low[64], high[64];
            for (int64_t j = 0; j < 64; j++) {
                low[j] = (float)((bytes[j] & 15) - 8);
                high[j] = (float)((bytes[j] >> 4) - 8);
            }
            float even = 0.0f, odd = 0.0f;
            for (int64_t j = 0; j < 64; j++) {
                even += low[j] * part[2 * j];
                odd += high[j] * part[2 * j + 1];
            }
            sum += scale[row * groups + group] * (even + odd);
        }
        y[row] = sum;
    }
}
