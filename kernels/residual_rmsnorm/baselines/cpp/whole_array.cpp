// Each step over the whole array before the next one begins, as an eager library has it.
// Source: eager execution
#include <cmath>
#include <cstdint>
#include <vector>

extern "C" void residual_rmsnorm(const float* x, const float* residual, const float* weight, float* out, float* total,
                                 int64_t rows, int64_t columns, int64_t stride, double epsilon) {
    std::vector<float> scale(rows);
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < columns; i++) {
            total[row * columns + i] = x[row * stride + i] + residual[row * stride + i];
        }
    }
    for (int64_t row = 0; row < rows; row++) {
        float squares = 0.0f;
        for (int64_t i = 0; i < columns; i++) {
            squares += total[row * columns + i] * total[row * columns + i];
        }
        scale[row] = 1.0f / std::sqrt(squares / (float)columns + (float)epsilon);
    }
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < columns; i++) {
            out[row * columns + i] = total[row * columns + i] * scale[row] * weight[i];
        }
    }
}
