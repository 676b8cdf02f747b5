#pragma GCC target("prefer-vector-width=512")
// The plain form with its sum in double, as careful libraries keep it.
// Source: the accumulators of reference implementations
#include <cmath>
#include <cstdint>

constexpr int64_t wide1 = 32;
extern "C" void residual_rmsnorm(const float* x, const float* residual, const float* weight, float* out, float* total,
                                 int64_t rows, int64_t columns, int64_t stride, double epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        const float* b = residual + row * stride;
        float* h = total + row * columns;
        float* y = out + row * columns;
        double squares = 0.0;
        double squares_lane1[wide1] = {};
        const int64_t i_end1 = columns - (columns) % wide1;
        for (int64_t i = 0; i < i_end1; i += wide1) {
            #pragma omp simd
            for (int64_t lane1 = 0; lane1 < wide1; lane1++) {
                h[(i + lane1)] = a[(i + lane1)] + b[(i + lane1)];
                squares_lane1[lane1] += (double)h[(i + lane1)] * (double)h[(i + lane1)];
            }
        }
        for (int64_t lane1 = 0; lane1 < wide1; lane1++) squares += squares_lane1[lane1];
        for (int64_t i = i_end1; i < columns; i++) {
            h[i] = a[i] + b[i];
            squares += (double)h[i] * (double)h[i];
        }
        float scale = (float)(1.0 / std::sqrt(squares / (double)columns + epsilon));
        for (int64_t i = 0; i < columns; i++) {
            y[i] = h[i] * scale * weight[i];
        }
    }
}
