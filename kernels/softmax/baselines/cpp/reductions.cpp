// The three passes, with leave for the compiler to take maximum and sum in any order.
// Source: OpenMP's simd reductions
#include <cmath>
#include <cstdint>

extern "C" void softmax(const float* x, float* out, int64_t rows, int64_t columns, int64_t stride) {
    for (int64_t row = 0; row < rows; row++) {
        const float* a = x + row * stride;
        float* y = out + row * columns;
        float most = a[0];
        #pragma omp simd reduction(max : most)
        for (int64_t i = 1; i < columns; i++) {
            most = a[i] > most ? a[i] : most;
        }
        for (int64_t i = 0; i < columns; i++) {
            y[i] = std::exp(a[i] - most);
        }
        float sum = 0.0f;
        #pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < columns; i++) {
            sum += y[i];
        }
        float scale = 1.0f / sum;
        for (int64_t i = 0; i < columns; i++) {
            y[i] = y[i] * scale;
        }
    }
}
