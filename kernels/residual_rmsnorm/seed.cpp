// Two passes over each row, one element at a time.
#include <cmath>
#include <cstdint>

extern "C" void residual_rmsnorm(const float* x, const float* residual, const float* weight, float* out, float* total,
                                 int64_t rows, int64_t columns, int64_t stride, double epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        const float* b = residual + row * stride;
        float* h = total + row * columns;
        float* y = out + row * columns;
        float squares = 0.0f;
        for (int64_t i = 0; i < columns; i++) {
            h[i] = a[i] + b[i];
            squares += h[i] * h[i];
        }
        float scale = 1.0f / std::sqrt(squares / (float)columns + (float)epsilon);
        for (int64_t i = 0; i < columns; i++) {
            y[i] = h[i] * scale * weight[i];
        }
    }
}
