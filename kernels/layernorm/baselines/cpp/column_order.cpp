// Column by column: every element is in another cache line than the one before.
// Control.
#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void layernorm(const float* x, const float* weight, const float* bias, float* out, int64_t rows,
                          int64_t columns, int64_t stride, double epsilon) {
    std::vector<double> mean(rows, 0.0);
    std::vector<double> squares(rows, 0.0);
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            double before = x[row * stride + i] - mean[row];
            mean[row] += before / (double)(i + 1);
            squares[row] += before * (x[row * stride + i] - mean[row]);
        }
    }
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            double scale = 1.0 / std::sqrt(squares[row] / (double)columns + epsilon);
            out[row * columns + i] = (float)((x[row * stride + i] - mean[row]) * scale) * weight[i] + bias[i];
        }
    }
}
