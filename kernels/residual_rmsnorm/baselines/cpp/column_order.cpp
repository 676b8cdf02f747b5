// Column by column: every element is in another cache line than the one before.
// Control.
#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void residual_rmsnorm(const float* x, const float* residual, const float* weight, float* out, float* total,
                                 int64_t rows, int64_t columns, int64_t stride, double epsilon) {
    std::vector<float> squares(rows, 0.0f);
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            float value = x[row * stride + i] + residual[row * stride + i];
            total[row * columns + i] = value;
            squares[row] += value * value;
        }
    }
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t row = 0; row < rows; row++) {
            float scale = 1.0f / std::sqrt(squares[row] / (float)columns + (float)epsilon);
            out[row * columns + i] = total[row * columns + i] * scale * weight[i];
        }
    }
}
