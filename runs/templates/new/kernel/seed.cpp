// The formula, one element at a time.
#include <cmath>
#include <cstdint>

extern "C" void bias_gelu(const float* x, const float* bias, float* out, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < columns; i++) {
            float v = x[row * columns + i] + bias[i];
            float u = 0.7978845608f * (v + 0.044715f * v * v * v);
            out[row * columns + i] = 0.5f * v * (1.0f + std::tanh(u));
        }
    }
}
