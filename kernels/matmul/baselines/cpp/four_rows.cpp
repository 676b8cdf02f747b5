// Four rows of the product at a time: what is read of b serves all four.
// Source: register blocking by hand
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* out, int64_t rows, int64_t columns, int64_t depth) {
    for (int64_t j = 0; j < rows * columns; j++) {
        out[j] = 0.0f;
    }
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        float* y0 = out + i * columns;
        float* y1 = y0 + columns;
        float* y2 = y1 + columns;
        float* y3 = y2 + columns;
        for (int64_t p = 0; p < depth; p++) {
            float f0 = a[i * depth + p], f1 = a[(i + 1) * depth + p];
            float f2 = a[(i + 2) * depth + p], f3 = a[(i + 3) * depth + p];
            const float* row = b + p * columns;
            #pragma omp simd
            for (int64_t j = 0; j < columns; j++) {
                y0[j] += f0 * row[j];
                y1[j] += f1 * row[j];
                y2[j] += f2 * row[j];
                y3[j] += f3 * row[j];
            }
        }
    }
    for (; i < rows; i++) {
        for (int64_t p = 0; p < depth; p++) {
            for (int64_t j = 0; j < columns; j++) {
                out[i * columns + j] += a[i * depth + p] * b[p * columns + j];
            }
        }
    }
}
