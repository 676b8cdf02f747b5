// The sigmoid by a hyperbolic tangent, which cannot overflow.
// Source: sigmoid(x) = (1 + tanh(x / 2)) / 2; where that cancels, the exponential itself
#include <cmath>
#include <cstdint>

extern "C" void swiglu(const float* x, float* out, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        const float* gate = x + row * 2 * columns;
        const float* value = gate + columns;
        float* y = out + row * columns;
        for (int64_t i = 0; i < columns; i++) {
            float g = gate[i];
            float sigmoid = g > -1.0f ? 0.5f + 0.5f * std::tanh(0.5f * g) : 1.0f / (1.0f + std::exp(-g));
            y[i] = g * sigmoid * value[i];
        }
    }
}
