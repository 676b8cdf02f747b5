// Element by element of the product, each a sum over the depth.
#include <cstdint>

extern "C" void matmul(const float* a, const float* b, float* out, int64_t rows, int64_t columns, int64_t depth) {
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            float sum = 0.0f;
            for (int64_t p = 0; p < depth; p++) {
                sum += a[i * depth + p] * b[p * columns + j];
            }
            out[i * columns + j] = sum;
        }
    }
}
