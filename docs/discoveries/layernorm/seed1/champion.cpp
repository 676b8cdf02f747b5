#pragma GCC target("prefer-vector-width=512")
// The two passes with leave for the compiler to sum in any order, in double.
// Source: OpenMP's simd reductions
#include <cmath>
#include <cstdint>

constexpr int64_t wide1 = 16;
extern "C" void layernorm(const float* x, const float* weight, const float* bias, float* out, int64_t rows,
                          int64_t columns, int64_t stride, double epsilon) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        double sum = 0.0;
        double sum_lane1[wide1] = {};
        const int64_t i_end1 = columns - (columns) % wide1;
        for (int64_t i = 0; i < i_end1; i += wide1) {
            #pragma omp simd
            for (int64_t lane1 = 0; lane1 < wide1; lane1++) {
                sum_lane1[lane1] += a[(i + lane1)];
            }
        }
        for (int64_t lane1 = 0; lane1 < wide1; lane1++) sum += sum_lane1[lane1];
        for (int64_t i = i_end1; i < columns; i++) {
            sum += a[i];
        }
        double mean = sum / (double)columns;
        double squares = 0.0;
        #pragma omp simd reduction(+ : squares)
        for (int64_t i = 0; i < columns; i++) {
            squares += (a[i] - mean) * (a[i] - mean);
        }
        double scale = 1.0 / std::sqrt(squares / (double)columns + epsilon);
        for (int64_t i = 0; i < columns; i++) {
            y[i] = (float)((a[i] - mean) * scale) * weight[i] + bias[i];
        }
    }
}
