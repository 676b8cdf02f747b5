// Column by column: every element is in another cache line than the one before.
// Control.
#include <cmath>
#include <cstdint>

extern "C" void bias_gelu(const float* x, const float* bias, float* out, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            double v = (double)x[row * columns + i] + bias[i];
            double u = 0.7978845608 * (v + 0.044715 * v * v * v);
            out[row * columns + i] = (float)(0.5 * v * (1.0 + std::tanh(u)));
        }
    }
}
