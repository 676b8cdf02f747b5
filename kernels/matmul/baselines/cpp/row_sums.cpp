// Row by row: a multiple of each row of b is added to a row of the product, so that all memory is read in order.
// Source: loop interchange
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* out, int64_t rows, int64_t columns, int64_t depth) {
    for (int64_t i = 0; i < rows; i++) {
        float* y = out + i * columns;
        for (int64_t j = 0; j < columns; j++) {
            y[j] = 0.0f;
        }
        for (int64_t p = 0; p < depth; p++) {
            float factor = a[i * depth + p];
            for (int64_t j = 0; j < columns; j++) {
                y[j] += factor * b[p * columns + j];
            }
        }
    }
}
