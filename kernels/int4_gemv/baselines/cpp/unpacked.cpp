// The whole matrix is unpacked into floats, and then multiplied one element at a time.
// Source: eager execution
// Control.
#include <cstdint>
#include <vector>

extern "C" void int4_gemv(const uint8_t* packed, const float* scale, const float* x, float* y, int64_t rows,
                          int64_t groups) {
    const int64_t columns = groups * 128;
    std::vector<float> weights(rows * columns);
    for (int64_t i = 0; i < rows * groups; i++) {
        for (int64_t j = 0; j < 64; j++) {
            weights[i * 128 + 2 * j] = scale[i] * (float)((packed[i * 64 + j] & 15) - 8);
            weights[i * 128 + 2 * j + 1] = scale[i] * (float)((packed[i * 64 + j] >> 4) - 8);
        }
    }
    for (int64_t row = 0; row < rows; row++) {
        float sum = 0.0f;
        for (int64_t i = 0; i < columns; i++) sum += weights[row * columns + i] * x[i];
        y[row] = sum;
    }
}
