// One element at a time, all of it in double.
// Control.
#include <cmath>
#include <cstdint>

extern "C" void swiglu(const float* x, float* out, int64_t rows, int64_t columns) {
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < columns; i++) {
            double gate = x[row * 2 * columns + i];
            double value = x[row * 2 * columns + columns + i];
            out[row * columns + i] = (float)(gate / (1.0 + std::exp(-gate)) * value);
        }
    }
}
