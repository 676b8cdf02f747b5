// One element at a time.
#include <cmath>
#include <cstdint>

extern "C" void swiglu(const float* x, float* out, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        const float* gate = x + row * 2 * columns;
        const float* value = gate + columns;
        float* y = out + row * columns;
        for (int64_t i = 0; i < columns; i++) {
            y[i] = gate[i] / (1.0f + std::exp(-gate[i])) * value[i];
        }
    }
}
