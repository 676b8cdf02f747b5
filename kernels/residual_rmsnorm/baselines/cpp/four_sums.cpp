// Four running sums a row, so that an addition need not wait for the one before.
// Source: loop unrolling, in every textbook on pipelines
#include <cmath>
#include <cstdint>

extern "C" void residual_rmsnorm(const float* x, const float* residual, const float* weight, float* out, float* total,
                                 int64_t rows, int64_t columns, int64_t stride, double epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        const float* b = residual + row * stride;
        float* h = total + row * columns;
        float* y = out + row * columns;
        float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
        int64_t i = 0;
        for (; i + 4 <= columns; i += 4) {
            h[i] = a[i] + b[i];
            h[i + 1] = a[i + 1] + b[i + 1];
            h[i + 2] = a[i + 2] + b[i + 2];
            h[i + 3] = a[i + 3] + b[i + 3];
            s0 += h[i] * h[i];
            s1 += h[i + 1] * h[i + 1];
            s2 += h[i + 2] * h[i + 2];
            s3 += h[i + 3] * h[i + 3];
        }
        for (; i < columns; i++) {
            h[i] = a[i] + b[i];
            s0 += h[i] * h[i];
        }
        float squares = (s0 + s1) + (s2 + s3);
        float scale = 1.0f / std::sqrt(squares / (float)columns + (float)epsilon);
        for (i = 0; i < columns; i++) {
            y[i] = h[i] * scale * weight[i];
        }
    }
}
