// Column by column: every element is in another cache line than the one before.
// Control.
#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void softmax(const float* x, float* out, int64_t rows, int64_t columns, int64_t stride) {
    std::vector<float> most(rows, -INFINITY);
    std::vector<double> sum(rows, 0.0);
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            most[row] = std::fmax(most[row], x[row * stride + i]);
        }
    }
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            out[row * columns + i] = std::exp(x[row * stride + i] - most[row]);
            sum[row] += out[row * columns + i];
        }
    }
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            out[row * columns + i] /= (float)sum[row];
        }
    }
}
