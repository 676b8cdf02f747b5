// Down the columns: every step is in another cache line of the product and of a than the one before.
// Control.
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* out, int64_t rows, int64_t columns, int64_t depth) {
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t i = 0; i < rows; i++) {
            out[i * columns + j] = 0.0f;
        }
        for (int64_t p = 0; p < depth; p++) {
            for (int64_t i = 0; i < rows; i++) {
                out[i * columns + j] += a[i * depth + p] * b[p * columns + j];
            }
        }
    }
}
