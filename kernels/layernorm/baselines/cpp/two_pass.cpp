// The mean first, then the distances from it and their squares, both sums in double.
// Source: the textbook's definition
#include <cmath>
#include <cstdint>

extern "C" void layernorm(const float* x, const float* weight, const float* bias, float* out, int64_t rows,
                          int64_t columns, int64_t stride, double epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        double sum = 0.0;
        for (int64_t i = 0; i < columns; i++) {
            sum += a[i];
        }
        double mean = sum / (double)columns;
        double squares = 0.0;
        for (int64_t i = 0; i < columns; i++) {
            y[i] = (float)(a[i] - mean);
            squares += (double)y[i] * (double)y[i];
        }
        float scale = (float)(1.0 / std::sqrt(squares / (double)columns + epsilon));
        for (int64_t i = 0; i < columns; i++) {
            y[i] = y[i] * scale * weight[i] + bias[i];
        }
    }
}
